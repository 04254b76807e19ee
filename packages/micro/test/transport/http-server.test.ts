import assert from "node:assert/strict";
import { request as nodeRequest } from "node:http";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { type HttpTransportOptions, newHttpTransport } from "../../src/transport/http.ts";
import type { Message, Socket } from "../../src/transport/transport.ts";
import { lines, requests } from "./examples.ts";
import { RawPeer } from "./raw-peer.ts";

const logger = newLogger({ write: () => {} });

interface Served {
  address: string;
  peer: RawPeer;
  /** Resolves with what `close` was given on the accepted socket. */
  closed: Promise<Error | undefined>;
  sockets: Socket[];
}

type Handle = (message: Message, socket: Socket) => void;

/** Listens with the http transport, connects as bytes, and cleans up. */
function serving(
  title: string,
  options: HttpTransportOptions & { handle?: Handle; timeout?: number },
  run: (served: Served) => Promise<void>,
): void {
  const { handle = answer, timeout = 20_000, ...transportOptions } = options;
  test(title, { timeout }, async () => {
    let onClose: (error: Error | undefined) => void = () => {};
    const closed = new Promise<Error | undefined>((resolve) => {
      onClose = resolve;
    });
    const sockets: Socket[] = [];
    const closes: Promise<void>[] = [];
    let surplus = 0;
    const transport = newHttpTransport({ logger, ...transportOptions });
    const listener = await transport.listen("127.0.0.1:0", (socket) => {
      sockets.push(socket);
      let told = false;
      let onTold = (): void => {};
      closes.push(new Promise((resolve) => (onTold = resolve)));
      return {
        message: (message) => handle(message, socket),
        close: (error) => {
          if (told) surplus++;
          told = true;
          onTold();
          onClose(error);
        },
      };
    });
    const peer = RawPeer.dial(listener.address);
    try {
      await run({ address: listener.address, peer, closed, sockets });
    } finally {
      peer.socket.destroy();
      for (const socket of sockets) socket.destroy();
      await listener.close();
    }
    await Promise.all(closes);
    assert.equal(surplus, 0, "close was told more than once");
  });
}

/** Repeats the id in brackets, and the body. */
const answer: Handle = ({ header, body }, socket) => {
  const id = header["Micro-Id"] ?? "";
  socket.send({ header: { "Micro-Id": id }, body: Buffer.concat([Buffer.from(`[${id}]`), body]) });
};

function post(body: string, ...more: string[]): string {
  return lines("POST / HTTP/1.1", "Host: a", `Content-Length: ${body.length}`, ...more, "", body);
}

function ok(body: string, ...more: string[]): string {
  return lines("HTTP/1.1 200 OK", `Content-Length: ${body.length}`, ...more, "", body);
}

serving("an answer has its own headers and none of the request's", {}, async ({ peer }) => {
  peer.write(requests[0]?.wire.replace("Accept:", "Authorization: Bearer secret\r\nAccept:") ?? "");
  assert.equal(
    await peer.until("John"),
    lines("HTTP/1.1 200 OK", "Content-Length: 19", "Micro-Id: 0", "", '[0]{"name":"John'),
  );
});

serving("pipelined requests are handled and answered in order, in few writes", {}, async ({ peer }) => {
  const count = 200;
  let text = "";
  for (let n = 0; n < count; n++) text += post("x".repeat(n), `Micro-Id: ${n}`);
  peer.write(text);
  for (let n = 0; n < count; n++) {
    const expected = ok(`[${n}]${"x".repeat(n)}`, `Micro-Id: ${n}`);
    assert.equal(await peer.until(expected), expected);
  }
});

serving("method and path don't matter", {}, async ({ peer }) => {
  peer.write(lines("GET /some/path?x=1 HTTP/1.1", "Host: a", "", ""));
  assert.equal(await peer.until("[]"), ok("[]", "Micro-Id: "));
  peer.write(lines("DELETE * HTTP/1.1", "Host: a", "", ""));
  assert.equal(await peer.until("[]"), ok("[]", "Micro-Id: "));
});

serving("a request may arrive byte by byte", {}, async ({ peer }) => {
  peer.socket.setNoDelay(true);
  for (const byte of post("hi", "Micro-Id: 1")) {
    peer.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await peer.until("[1]hi"), ok("[1]hi", "Micro-Id: 1"));
});

serving("a client that expects it is told to continue", {}, async ({ peer }) => {
  peer.write(lines("POST / HTTP/1.1", "Host: a", "Expect: 100-continue", "Content-Length: 2", "", ""));
  assert.equal(await peer.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.write("hi");
  assert.equal(await peer.until("[]hi"), ok("[]hi", "Micro-Id: "));
});

serving("with Connection: close the answers owed are the last", {}, async ({ peer, closed }) => {
  peer.write(post("a") + post("b", "Connection: close") + post("never"));
  assert.equal(await peer.until("[]a"), ok("[]a", "Micro-Id: "));
  assert.equal(await peer.until("[]b"), ok("[]b", "Connection: close", "Micro-Id: "));
  await peer.ended;
  assert.equal(await closed, undefined);
  assert.equal(peer.received, "");
});

serving("a client of HTTP/1.0 gets one answer", {}, async ({ peer }) => {
  peer.write("GET / HTTP/1.0\r\n\r\n");
  assert.equal(await peer.until("[]"), ok("[]", "Connection: close", "Micro-Id: "));
  await peer.ended;
});

serving(
  "Connection: close doesn't end a stream, which has more than one answer",
  {},
  async ({ peer, sockets }) => {
    peer.write(post("a", "Connection: close", "Micro-Stream: 1"));
    await peer.until("[]a");
    sockets[0]?.send({ header: {}, body: Buffer.from("another") });
    assert.equal(await peer.until("another"), ok("another"));
    peer.write(post("b", "Micro-Stream: 1"));
    await peer.until("[]b");
  },
);

serving("after the answer to HEAD, whose end is unclear, nothing follows", {}, async ({ peer }) => {
  peer.write(lines("HEAD / HTTP/1.1", "Host: a", "", "") + post("never"));
  assert.equal(await peer.until("[]"), ok("[]", "Connection: close", "Micro-Id: "));
  await peer.ended;
  assert.equal(peer.received, "");
});

for (const [name, text, status, why] of [
  [
    "a malformed request",
    lines("POST / HTTP/1.1", "Host: a", "X : 1", "", ""),
    "400 Bad Request",
    "header name",
  ],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported", "only HTTP/1.1"],
  ["a long body", post("x".repeat(2_000)), "413 Request Entity Too Large", "1000 bytes"],
  [
    "a long head",
    post("", `X-A: ${"x".repeat(70_000)}`),
    "431 Request Header Fields Too Large",
    "65536 bytes",
  ],
  [
    "an unknown coding",
    lines("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip", "", ""),
    "501 Not Implemented",
    "Transfer-Encoding",
  ],
  ["an unknown expectation", post("x", "Expect: y"), "417 Expectation Failed", "expectation"],
  ["TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", "400 Bad Request", "control character"],
] as const) {
  serving(
    `${name} is answered with ${status}, and the connection closed`,
    { maxMessageBytes: 1_000 },
    async (served) => {
      const { peer, closed } = served;
      // The peer writes on without looking: no reset may overtake the answer.
      peer.write(text + "x".repeat(100_000));
      await peer.ended;
      const [head = "", body = ""] = peer.received.split("\r\n\r\n");
      assert.equal(head.split("\r\n")[0], `HTTP/1.1 ${status}`);
      assert.match(head, /\r\nConnection: close\r\n/);
      assert.ok(body.includes(why), body);
      const error = await closed;
      assert.ok(MicroError.is(error));
      assert.equal(String(error.code), status.slice(0, 3));
    },
  );
}

serving("requests before a malformed one are handled", {}, async ({ peer }) => {
  peer.write(`${post("fine", "Micro-Id: 1")}nonsense\r\n\r\n`);
  assert.equal(await peer.until("[1]fine"), ok("[1]fine", "Micro-Id: 1"));
  await peer.until("HTTP/1.1 400 Bad Request\r\n");
  await peer.ended;
});

serving(
  "a head that comes too slowly is answered with 408",
  { headTimeoutMs: 500 },
  async ({ peer, closed }) => {
    peer.write("POST / HTTP/1.1\r\nHost: a\r\n");
    await peer.until("HTTP/1.1 408 Request Timeout\r\n");
    await peer.ended;
    const error = await closed;
    assert.ok(MicroError.is(error) && error.reason === "timeout");
  },
);

serving("so is a later head that comes too slowly", { headTimeoutMs: 500 }, async ({ peer }) => {
  peer.write(`${post("a")}POST`);
  await peer.until("[]a");
  await peer.until("HTTP/1.1 408 Request Timeout\r\n");
  await peer.ended;
});

serving("a client that sends nothing is closed", { headTimeoutMs: 500 }, async ({ peer, closed }) => {
  await peer.ended;
  assert.equal(peer.received, "");
  assert.ok(MicroError.is(await closed));
});

serving(
  "an idle connection stays open past the time for a head",
  { headTimeoutMs: 500 },
  async ({ peer }) => {
    peer.write(post("a"));
    await peer.until("[]a");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    peer.write(post("b"));
    assert.equal(await peer.until("[]b"), ok("[]b", "Micro-Id: "));
  },
);

const answerAndPause: Handle = (message, socket) => {
  answer(message, socket);
  socket.pause();
};

serving(
  "a pause of this end is not held against the client",
  { headTimeoutMs: 500, handle: answerAndPause },
  async ({ peer, sockets }) => {
    peer.write(`${post("a")}POST / HTTP/1.1\r\n`);
    await peer.until("[]a");
    peer.write(lines("Host: a", "", ""));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    sockets[0]?.resume();
    assert.equal(await peer.until("[]"), ok("[]", "Micro-Id: "));
  },
);

serving("a client that vanishes in the middle of a message is an error, told once", {}, async (served) => {
  const { peer, closed } = served;
  peer.write(post("complete"));
  await peer.until("[]complete");
  peer.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhal");
  peer.socket.end();
  const error = await closed;
  assert.ok(MicroError.is(error));
  assert.deepEqual([error.reason, error.id], ["connection-lost", "go.micro.server.transport"]);
  assert.match(error.detail, /unexpected EOF/);
});

serving("a client that resets the connection is an error, told once", {}, async ({ peer, closed }) => {
  peer.write(post("complete"));
  await peer.until("[]complete");
  peer.socket.resetAndDestroy();
  const error = await closed;
  assert.ok(MicroError.is(error) && error.reason === "connection-lost");
});

serving("a client that leaves between messages is no error", {}, async ({ peer, closed }) => {
  peer.write(post("complete"));
  await peer.until("[]complete");
  peer.socket.end();
  assert.equal(await closed, undefined);
});

serving("what was sent before a client left still goes out", { handle: answer }, async ({ peer }) => {
  peer.write(post("x".repeat(50_000)));
  peer.socket.end();
  await peer.until(`[]${"x".repeat(50_000)}`);
});

serving(
  "a socket that is closed goes on reading until the client closes",
  {},
  async ({ peer, sockets, closed }) => {
    peer.write(post("a"));
    await peer.until("[]a");
    void sockets[0]?.close();
    await peer.ended;
    peer.write(post("late"));
    peer.socket.end();
    assert.equal(await closed, undefined);
    assert.equal(await peer.closed, undefined);
  },
);

serving("Node's own client is served, over one connection", {}, async ({ address }) => {
  for (const text of ["one", "", "three"]) {
    const received = await new Promise<string>((resolve, reject) => {
      const outgoing = nodeRequest(`http://${address}/`, { method: "POST" }, async (incoming) => {
        let body = "";
        for await (const piece of incoming) body += piece;
        resolve(`${incoming.statusCode} ${body}`);
      });
      outgoing.on("error", reject);
      outgoing.end(text);
    });
    assert.equal(received, `200 []${text}`);
  }
});
