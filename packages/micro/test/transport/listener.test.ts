import assert from "node:assert/strict";
import { connect as connectHttp2, createServer } from "node:http2";
import { networkInterfaces } from "node:os";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { parseAddress } from "../../src/address.ts";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import { listenTcp } from "../../src/transport/listener.ts";
import type { Listener, Protocol } from "../../src/transport/transport.ts";
import { RawPeer } from "./raw-peer.ts";

const logger = newLogger({ write: () => {} });
const timeout = 20_000;

function listening(protocols: Protocol[], headTimeoutMs = 10_000): Promise<Listener> {
  return listenTcp("127.0.0.1:0", { protocols, headTimeoutMs, logger });
}

/** Claims connections that begin with the text, and sends back its name and what it read. */
function echo(name: string, beginning: string): Protocol {
  return {
    name,
    matches(bytes) {
      const text = Buffer.from(bytes).toString("latin1");
      if (text.length < beginning.length) return beginning.startsWith(text) ? undefined : false;
      return text.startsWith(beginning);
    },
    serve(connection) {
      connection.on("data", (bytes) => connection.write(`${name}<${bytes}>`));
    },
  };
}

test("a connection goes to the first protocol that claims its first bytes, unread", { timeout }, async () => {
  const listener = await listening([echo("alpha", "AB"), echo("beta", "AC"), echo("gamma", "A")]);
  for (const [text, reply] of [
    ["AB and more", "alpha<AB and more>"],
    ["AC", "beta<AC>"],
    ["AX", "gamma<AX>"],
  ] as const) {
    const peer = RawPeer.dial(listener.address);
    peer.write(text);
    assert.equal(await peer.until(">"), reply);
    peer.write("later");
    await peer.until("<later>");
    peer.socket.destroy();
  }
  await listener.close();
});

test("bytes that come one by one decide as late as needed, and all are handed over", {
  timeout,
}, async () => {
  const listener = await listening([echo("preface", "PREFACE"), echo("other", "P")]);
  for (const [text, name] of [
    ["PREFACE", "preface"],
    ["PREFIX", "other"],
  ] as const) {
    const peer = RawPeer.dial(listener.address);
    peer.socket.setNoDelay(true);
    for (const letter of text) {
      peer.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    let read = "";
    while (read.length < text.length) read += (await peer.until(">")).slice(name.length + 1, -1);
    assert.equal(read, text);
    peer.socket.destroy();
  }
  await listener.close();
});

test("a protocol may look at its connection later, and pause it", { timeout }, async () => {
  const served: Duplex[] = [];
  const late: Protocol = {
    name: "late",
    matches: () => true,
    serve: (connection) => served.push(connection),
  };
  const listener = await listening([echo("never", "-"), late]);
  const peer = RawPeer.dial(listener.address);
  peer.write("early ");
  while (served.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const [connection] = served;
  assert.ok(connection !== undefined);
  peer.write("bytes");
  let text = "";
  const all = new Promise<void>((resolve) => {
    connection.pause();
    connection.on("data", (bytes) => {
      text += bytes;
      if (text.length === 11) resolve();
    });
  });
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(text, "");
  connection.resume();
  await all;
  assert.equal(text, "early bytes");
  peer.socket.destroy();
  connection.destroy();
  await listener.close();
});

test("bytes that nobody claims end the connection", { timeout }, async () => {
  const listener = await listening([echo("alpha", "A"), echo("beta", "B")]);
  const peer = RawPeer.dial(listener.address);
  peer.write("C");
  await peer.ended;
  peer.socket.destroy();
  await listener.close();
});

test("a client that sends nothing, or not enough to tell, is closed", { timeout }, async () => {
  const listener = await listening([echo("alpha", "ALPHA"), echo("beta", "BETA")], 200);
  for (const text of ["", "ALP"]) {
    const peer = RawPeer.dial(listener.address);
    peer.write(text);
    await peer.ended;
    peer.socket.destroy();
  }
  await listener.close();
});

test("a client that leaves before it was recognised is forgotten", { timeout }, async () => {
  const listener = await listening([echo("alpha", "ALPHA"), echo("beta", "BETA")]);
  for (const leave of ["end", "resetAndDestroy"] as const) {
    const peer = RawPeer.dial(listener.address);
    peer.write("ALP");
    await new Promise((resolve) => peer.socket.once("connect", resolve));
    peer.socket[leave]();
    await peer.closed;
  }
  await listener.close();
});

test("http/1.1 and another protocol share the port of the http transport", { timeout }, async () => {
  const transport = newHttpTransport({ logger });
  const listener = await transport.listen(
    "127.0.0.1:0",
    (socket) => ({
      message: ({ body }) => socket.send({ header: {}, body }),
      close: () => {},
    }),
    { protocols: [echo("line", "LINE")] },
  );
  const other = RawPeer.dial(listener.address);
  other.write("LINE 1");
  assert.equal(await other.until(">"), "line<LINE 1>");
  const http = RawPeer.dial(listener.address);
  http.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  assert.equal(await http.until("hi"), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  for (const peer of [other, http]) peer.socket.destroy();
  await listener.close();
});

test("Node's http2 server takes over connections of a shared port", { timeout }, async () => {
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const server = createServer((_incoming, outgoing) => outgoing.end("over HTTP/2"));
  const http2: Protocol = {
    name: "h2",
    alpn: ["h2"],
    matches(bytes) {
      const length = Math.min(bytes.length, preface.length);
      if (preface.compare(bytes, 0, length, 0, length) !== 0) return false;
      return length === preface.length ? true : undefined;
    },
    serve: (connection) => void server.emit("connection", connection),
  };
  const listener = await newHttpTransport({ logger }).listen(
    "127.0.0.1:0",
    () => ({ message: () => {}, close: () => {} }),
    { protocols: [http2] },
  );
  const session = connectHttp2(`http://${listener.address}`);
  let body = "";
  for await (const piece of session.request({ ":path": "/" })) body += piece;
  assert.equal(body, "over HTTP/2");
  session.close();
  await listener.close();
});

test("an IPv6 address is listened on and told with brackets", { timeout }, async (context) => {
  const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ address }) => address === "::1"),
  );
  if (!hasIpv6) {
    context.skip("this machine has no IPv6");
    return;
  }
  const listener = await listenTcp("[::1]:0", {
    protocols: [echo("six", "6")],
    headTimeoutMs: 10_000,
    logger,
  });
  assert.match(listener.address, /^\[::1\]:\d+$/);
  const peer = RawPeer.dial(listener.address);
  peer.write("6");
  assert.equal(await peer.until(">"), "six<6>");
  peer.socket.destroy();
  await listener.close();
});

test("without a host all interfaces are listened on", { timeout }, async () => {
  const listener = await listenTcp(":0", { protocols: [echo("any", "")], headTimeoutMs: 10_000, logger });
  const { host, port } = parseAddress(listener.address);
  assert.ok(host === "::" || host === "0.0.0.0", host);
  const peer = RawPeer.dial(`127.0.0.1:${port}`);
  peer.write("x");
  assert.equal(await peer.until(">"), "any<x>");
  peer.socket.destroy();
  await listener.close();
});

test("an address that can't be used is named, with what to do", { timeout }, async () => {
  const listener = await listening([echo("any", "")]);
  for (const [address, cure] of [
    [listener.address, /in use.*port 0/],
    [listener.address.replace(/:(\d+)$/, ":$1-$1"), /every port of the range|in use/],
    ["192.0.2.1:0", /not an address of this machine/],
    ["nowhere", /not an address of this machine/],
    ["127.0.0.1:99999", /not a port from 0 to 65535/],
  ] as const) {
    await assert.rejects(
      listenTcp(address, { protocols: [], headTimeoutMs: 10_000, logger }),
      (error) =>
        MicroError.is(error) &&
        error.code === 500 &&
        error.detail.includes(address) &&
        cure.test(error.detail),
      address,
    );
  }
  await listener.close();
});
