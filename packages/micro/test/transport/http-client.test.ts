import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import type { Message, Socket } from "../../src/transport/transport.ts";
import { answers, lines, requests } from "./examples.ts";
import { type RawPeer, rawServer } from "./raw-peer.ts";

const logger = newLogger({ write: () => {} });
const transport = newHttpTransport({ logger, maxMessageBytes: 100_000 });

interface Dialled {
  socket: Socket;
  peer: RawPeer;
  address: string;
  messages: Message[];
  /** Resolves when so many messages are there. */
  received(count: number): Promise<Message[]>;
  closed: Promise<Error | undefined>;
}

/** Dials a server made of bytes. */
function dialling(title: string, run: (dialled: Dialled) => Promise<void>): void {
  test(title, { timeout: 20_000 }, async () => {
    const messages: Message[] = [];
    let look = (): void => {};
    let onClose: (error: Error | undefined) => void = () => {};
    const closed = new Promise<Error | undefined>((resolve) => {
      onClose = resolve;
    });
    let closes = 0;
    let onPeer: (peer: RawPeer) => void = () => {};
    const peer = new Promise<RawPeer>((resolve) => {
      onPeer = resolve;
    });
    const server = await rawServer(onPeer);
    const socket = await transport.dial(server.address, {
      message: (message) => {
        messages.push(message);
        look();
      },
      close: (error) => {
        closes++;
        onClose(error);
      },
    });
    const received = async (count: number): Promise<Message[]> => {
      while (messages.length < count) {
        await new Promise<void>((resolve) => {
          look = resolve;
        });
      }
      return messages;
    };
    try {
      await run({ socket, peer: await peer, address: server.address, messages, received, closed });
    } finally {
      socket.destroy();
      server.close();
    }
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(closes, 1);
  });
}

dialling("requests go out byte for byte as go-micro's", async ({ socket, peer, address }) => {
  for (const { header, body } of requests) socket.send({ header, body: Buffer.from(body, "latin1") });
  const expected = requests.map(({ wire }) => wire.replace("127.0.0.1:9090", address)).join("");
  assert.equal(await peer.until(expected), expected);
});

dialling("go-micro's answers are read, however they are cut", async ({ peer, received }) => {
  peer.socket.setNoDelay(true);
  // Go writes an answer line by line.
  for (const { wire } of answers) {
    for (const line of wire.split(/(?<=\r\n)/)) {
      peer.write(line);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const messages = await received(answers.length);
  assert.deepEqual(
    messages.map(({ header, body }) => [{ ...header }, Buffer.from(body).toString("latin1")]),
    answers.map(({ header, body }) => [header, body]),
  );
});

dialling("messages of one tick are one write", async ({ socket, peer }) => {
  let writes = 0;
  peer.socket.on("data", () => writes++);
  for (let n = 0; n < 50; n++) socket.send({ header: { "Micro-Id": String(n) }, body: Buffer.from("x") });
  await peer.until("Micro-Id: 49\r\n\r\nx");
  assert.equal(writes, 1);
});

dialling("a status other than 200 ends the connection with its text", async ({ peer, closed }) => {
  peer.write(lines("HTTP/1.1 502 Bad Gateway", "Content-Length: 9", "", "try again"));
  const error = await closed;
  assert.ok(MicroError.is(error));
  assert.deepEqual([error.code, error.detail, error.reason], [502, "502 Bad Gateway: try again", undefined]);
});

dialling("a redirect, which go-micro doesn't know, is an error as well", async ({ peer, closed }) => {
  peer.write(lines("HTTP/1.1 301 Moved", "Location: /", "Content-Length: 0", "", ""));
  const error = await closed;
  assert.ok(MicroError.is(error));
  assert.deepEqual([error.code, error.detail], [502, "301 Moved"]);
});

dialling("interim answers are passed over", async ({ peer, received }) => {
  peer.write(lines("HTTP/1.1 100 Continue", "", "HTTP/1.1 200 OK", "Content-Length: 2", "", "hi"));
  assert.equal(Buffer.from((await received(1))[0]?.body ?? []).toString(), "hi");
});

dialling("an answer without length ends with the connection", async ({ peer, messages, closed }) => {
  peer.write(lines("HTTP/1.1 200 OK", "Micro-Id: 1", "", "all there is"));
  peer.socket.end();
  assert.equal(await closed, undefined);
  assert.deepEqual(
    messages.map(({ body }) => Buffer.from(body).toString()),
    ["all there is"],
  );
});

dialling("an answer that is cut off is an error, told once", async ({ peer, messages, closed }) => {
  peer.write(lines("HTTP/1.1 200 OK", "Content-Length: 10", "", "half"));
  peer.socket.end();
  const error = await closed;
  assert.ok(MicroError.is(error));
  assert.deepEqual(
    [error.code, error.reason, error.id],
    [500, "connection-lost", "go.micro.client.transport"],
  );
  assert.match(error.detail, /unexpected EOF/);
  assert.equal(messages.length, 0);
});

dialling("a server that resets the connection is an error, told once", async ({ peer, socket, closed }) => {
  peer.write(lines("HTTP/1.1 200 OK", "Content-Length: 10", "", "half"));
  socket.send({ header: {}, body: Buffer.from("x") });
  await peer.until("\r\n\r\nx");
  peer.socket.resetAndDestroy();
  const error = await closed;
  assert.ok(MicroError.is(error) && error.reason === "connection-lost");
});

dialling("a server that closes an idle connection is no error", async ({ peer, socket, closed }) => {
  peer.socket.end();
  assert.equal(await closed, undefined);
  assert.equal(socket.closed, true);
  assert.equal(socket.send({ header: {}, body: Buffer.from("late") }), true);
});

for (const [name, text, reason] of [
  ["another protocol", "SSH-2.0-OpenSSH_9.9\r\n\r\n", "decode-failed"],
  ["an HTTP/2 server", "\x00\x00\x06\x04\x00\x00\x00\x00\x00", "decode-failed"],
  ["too long a body", lines("HTTP/1.1 200 OK", "Content-Length: 100001", "", ""), "too-large"],
] as const) {
  dialling(
    `${name} at the other end is an error that names the address`,
    async ({ peer, address, closed }) => {
      peer.write(text);
      const error = await closed;
      assert.ok(MicroError.is(error));
      assert.equal(error.reason, reason);
      assert.ok(error.detail.includes(address), error.detail);
    },
  );
}

dialling(
  "a large body is written without the messages around it getting out of order",
  async ({ socket, peer }) => {
    const large = Buffer.alloc(60_000, "b");
    socket.send({ header: { "Micro-Id": "1" }, body: Buffer.from("a") });
    socket.send({ header: { "Micro-Id": "2" }, body: large });
    socket.send({ header: { "Micro-Id": "3" }, body: Buffer.from("c") });
    const first = await peer.until("Micro-Id: 1\r\n\r\na");
    assert.match(first, /Content-Length: 1\r\n/);
    const second = await peer.until(`Micro-Id: 2\r\n\r\n${large.toString()}`);
    assert.match(second, /^POST .*\r\nContent-Length: 60000\r\n/s);
    assert.match(await peer.until("Micro-Id: 3\r\n\r\nc"), /^POST /);
  },
);

test("Node's own server is understood", { timeout: 20_000 }, async () => {
  const server = createServer((incoming, outgoing) => {
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  assert.ok(typeof bound === "object" && bound !== null);
  try {
    const answer = await new Promise<Message>((resolve, reject) => {
      const events = { message: resolve, close: (error?: Error) => reject(error ?? new Error("closed")) };
      transport.dial(`127.0.0.1:${bound.port}`, events).then((socket) => {
        socket.send({ header: { "Content-Type": "text/plain" }, body: Buffer.from("echo") });
      }, reject);
    });
    assert.equal(Buffer.from(answer.body).toString(), "echo");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("dialling is given up after its time-out, and when it is cancelled", { timeout: 20_000 }, async () => {
  // TEST-NET-1: packets to it are lost, or refused at once where there is no route.
  const dial = (options: object) =>
    transport.dial("192.0.2.1:9", { message: () => {}, close: () => {} }, options);
  await assert.rejects(
    dial({ timeoutMs: 50 }),
    (error) => MicroError.is(error) && error.reason === "connection-failed",
  );
  const controller = new AbortController();
  const dialled = dial({ signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(
    dialled,
    (error) => MicroError.is(error) && /cancelled|failed/.test(error.reason ?? ""),
  );
});

test("a name that nobody has is named in the error", { timeout: 20_000 }, async () => {
  await assert.rejects(
    transport.dial("no-such-host.invalid:80", { message: () => {}, close: () => {} }),
    (error) => MicroError.is(error) && error.code === 503 && error.detail.includes("no-such-host.invalid:80"),
  );
});
