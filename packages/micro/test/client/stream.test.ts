import assert from "node:assert/strict";
import { test } from "node:test";
import { newHttpTransport } from "../../src/transport/http.ts";
import type { Socket } from "../../src/transport/transport.ts";
import { answer, bytesServer, clientOf, failure, type Script, scriptedServer } from "./scripted-server.ts";

const count = { service: "go.micro.srv.greeter", endpoint: "Stream.Count" };
const eos = failure("EOS");
const item = (n: number) => answer(`{"n":${n}}\n`);

test("a stream has a connection of its own, and go-micro's bytes", async (t) => {
  const received: Buffer[] = [];
  const { address } = await bytesServer(t, (socket) => {
    socket.on("data", (bytes) => {
      received.push(bytes);
      if (!Buffer.concat(received).toString().endsWith('{"count":2}\n')) return;
      for (const n of [1, 2])
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 8\r\nMicro-Stream: 0\r\n\r\n{"n":${n}}\n`);
      socket.write("HTTP/1.1 200 OK\r\nMicro-Error: EOS\r\nMicro-Stream: 0\r\nContent-Length: 0\r\n\r\n");
    });
  });
  const client = clientOf(t, newHttpTransport());
  const stream = await client.stream<{ n: number }>({ ...count, addresses: [address] });
  await stream.send({ count: 2 });
  assert.deepEqual(await readAll(stream), [{ n: 1 }, { n: 2 }]);
  const head = (length: number) =>
    `POST / HTTP/1.1\r\nHost: ${address}\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: ${length}\r\n` +
    "Accept: application/json\r\nContent-Type: application/json\r\nMicro-Endpoint: Stream.Count\r\n" +
    "Micro-Id: 0\r\nMicro-Method: Stream.Count\r\nMicro-Service: go.micro.srv.greeter\r\nMicro-Stream: 0\r\n\r\n";
  assert.equal(Buffer.concat(received).toString(), `${head(3)}{}\n${head(12)}{"count":2}\n`);
});

test("protobuf's handshake has no body", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(eos));
  const client = clientOf(t, server.transport, { contentType: "application/protobuf" });
  await readAll(await client.stream({ ...count, addresses: [server.address] }));
  assert.equal(server.requests[0]?.body.length, 0);
});

test("the server's end, its error and a broken connection come after the answers before them", async (t) => {
  const ends: ((socket: Socket) => void)[] = [
    (socket) => void socket.send(eos),
    (socket) => void socket.send(failure('{"id":"s","code":409,"detail":"no more"}')),
    (socket) => void socket.close(),
  ];
  let run = 0;
  const server = await scriptedServer(t, (_request, socket) => {
    socket.send(item(1));
    socket.send(item(2));
    ends[run++]?.(socket);
  });
  const client = clientOf(t, server.transport);
  const request = { ...count, addresses: [server.address] };

  assert.deepEqual(await readAll(await client.stream(request)), [{ n: 1 }, { n: 2 }]);
  for (const expected of [
    { id: "s", code: 409, reason: undefined },
    { code: 500, reason: "connection-lost" },
  ]) {
    const read: unknown[] = [];
    const stream = await client.stream(request);
    await assert.rejects(async () => {
      for await (const each of stream) read.push(each);
    }, expected);
    assert.deepEqual(read, [{ n: 1 }, { n: 2 }]);
    assert.deepEqual(await readAll(stream), [], "the error is thrown once");
    await assert.rejects(stream.send({}), { code: 503, reason: "closed" });
  }
  await Promise.all([0, 1, 2].map((number) => server.closed(number)));
});

test("an end of the stream in place of an answer is told as a loss, not taken for the end", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => {
    // As go-micro v2.9.1 sends it: the item's header, and the body of the end that follows.
    socket.send(answer('{"id":"","result":null,"error":"EOS"}\n'));
    socket.send(eos);
  });
  const client = clientOf(t, server.transport, { contentType: "application/json-rpc" });
  const stream = await client.stream({ ...count, addresses: [server.address] });
  await assert.rejects(readAll(stream), { code: 500, reason: "decode-failed", detail: /is lost.*gRPC/ });
});

test("leaving the loop early, or closing, breaks the connection", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(item(1)));
  const client = clientOf(t, server.transport);
  const stream = await client.stream({ ...count, addresses: [server.address] });
  for await (const _ of stream) break;
  await server.closed(0);
  await stream.close();
  const other = await client.stream({ ...count, addresses: [server.address] });
  const reader = other[Symbol.asyncIterator]();
  await reader.next();
  const waiting = reader.next();
  await other.close();
  assert.equal((await waiting).done, true);
  await assert.rejects(other.send({}), { code: 503, reason: "closed" });
  await other.end();
  await server.closed(1);
});

test("after end no request is taken, and the server is told once", async (t) => {
  const server = await scriptedServer(t, (request, socket) => {
    if (request.header["Micro-Error"] === "EOS") socket.send(eos);
  });
  const client = clientOf(t, server.transport);
  const stream = await client.stream({ ...count, addresses: [server.address] });
  await stream.send({ n: 1 });
  await stream.end();
  await stream.end();
  await assert.rejects(stream.send({ n: 2 }), { code: 503, reason: "closed" });
  assert.deepEqual(await readAll(stream), []);
  assert.deepEqual(
    server.requests.map(({ header, body }) => [
      header["Micro-Error"],
      header["Micro-Half-Close"],
      body.length,
    ]),
    [
      [undefined, undefined, 3],
      [undefined, undefined, 8],
      ["EOS", "true", 0],
    ],
  );
});

test("a server that doesn't confirm the half-close is waited for no longer than for a call", async (t) => {
  const server = await scriptedServer(t, (request, socket) => {
    if (request.header["Micro-Error"] === "EOS") socket.send(item(1));
  });
  const client = clientOf(t, server.transport, { requestTimeoutMs: 40 });
  const stream = await client.stream({ ...count, addresses: [server.address] });
  const reader = stream[Symbol.asyncIterator]();
  const first = reader.next();
  await stream.end();
  assert.deepEqual(await first, { done: false, value: { n: 1 } });
  await assert.rejects(reader.next(), { code: 408, reason: "timeout" });
  await server.closed(0);
});

test("a server that confirms the half-close may take longer than a call", async (t) => {
  let finish = (): void => {};
  const server = await scriptedServer(t, (request, socket) => {
    if (request.header["Micro-Error"] !== "EOS") return;
    socket.send(answer("", { "Micro-Half-Close": "true" }));
    finish = () => {
      socket.send(item(1));
      socket.send(eos);
    };
  });
  const client = clientOf(t, server.transport, { requestTimeoutMs: 30 });
  const stream = await client.stream({ ...count, addresses: [server.address] });
  await stream.end();
  await server.received(2);
  // The confirmation arrives in one of the next turns. Until it does, a reader waits no longer than a call.
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  const answers = readAll(stream);
  // Two other calls of this client have their limit passed meanwhile.
  for (const _ of [1, 2]) {
    await assert.rejects(client.call({ ...count, addresses: [server.address] }), { code: 408 });
  }
  finish();
  assert.deepEqual(await answers, [{ n: 1 }]);
});

test("timeoutMs and signal limit the whole stream", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(item(1)));
  const client = clientOf(t, server.transport);
  const addresses = [server.address];
  const open = () => client.stream({ ...count, addresses, timeoutMs: 60 });
  let timed = await open();
  await assert.rejects(readAll(timed), { code: 408, reason: "timeout" });
  // On a busy machine the time may be up before the server has heard of the stream.
  while (server.requests.length === 0) {
    timed = await open();
    await assert.rejects(readAll(timed), { code: 408, reason: "timeout" });
  }
  await server.closed(server.sockets.length - 1);
  const sent = Number(server.requests[0]?.header.Timeout);
  assert.ok(sent > 0 && sent <= 60_000_000);
  await assert.rejects(timed.send({}), { code: 503 });

  const stop = new AbortController();
  const stopped = await client.stream({ ...count, addresses, signal: stop.signal });
  const read = readAll(stopped);
  stop.abort();
  await assert.rejects(read, { code: 499, reason: "cancelled" });
  await server.closed(server.sockets.length - 1);
  await assert.rejects(client.stream({ ...count, addresses, signal: stop.signal }), { code: 499 });
});

test("opening is limited as a call is, and repeated on another node", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(eos));
  const hanging = { ...server.transport, dial: () => new Promise<never>(() => {}) };
  const slow = clientOf(t, hanging, { requestTimeoutMs: 30 });
  await assert.rejects(slow.stream({ ...count, addresses: ["127.0.0.1:1"] }), { code: 408 });
  const client = clientOf(t, server.transport, { backoff: () => 0 });
  for (const _ of [1, 2]) {
    await readAll(await client.stream({ ...count, addresses: ["127.0.0.1:1", server.address] }));
  }
});

test("a slow reader makes the server wait", async (t) => {
  const total = 2_000;
  const body = `${JSON.stringify({ text: "x".repeat(20_000) })}\n`;
  let sent = 0;
  let waits = 0;
  const script: Script = (_request, socket) => {
    const more = (): void => {
      while (sent < total) {
        sent++;
        if (!socket.send(answer(body))) {
          waits++;
          return;
        }
      }
      socket.send(eos);
    };
    drains.push(more);
    more();
  };
  const drains: (() => void)[] = [];
  const transport = newHttpTransport();
  const listener = await transport.listen("127.0.0.1:0", (socket) => ({
    message: (request) => script(request, socket, 0),
    drain: () => drains[0]?.(),
    close() {},
  }));
  t.after(() => listener.close());
  const client = clientOf(t, transport);
  const stream = await client.stream({ ...count, addresses: [listener.address] });
  const reader = stream[Symbol.asyncIterator]();
  await reader.next();
  // Nothing is read now: the server goes on until the buffers between are full, which is far from the end.
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(sent < total, `${sent} of ${total} sent to a reader that doesn't read`);
  let read = 1;
  while (!(await reader.next()).done) read++;
  assert.equal(read, total);
  assert.ok(waits > 0);
});

test("a server that doesn't read makes send wait", async (t) => {
  const transport = newHttpTransport();
  const sockets: Socket[] = [];
  const listener = await transport.listen("127.0.0.1:0", (socket) => {
    sockets.push(socket);
    socket.pause();
    return { message() {}, close() {} };
  });
  t.after(() => listener.close());
  const client = clientOf(t, transport);
  const stream = await client.stream({ ...count, addresses: [listener.address] });
  const body = "x".repeat(100_000);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 2_000; sent++) await stream.send(body);
  })();
  let before = -1;
  while (before !== sent) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(sent < 2_000, "200 MB were taken without back-pressure");
  sockets[0]?.resume();
  await sending;
  await stream.close();
});

async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of stream) all.push(each);
  return all;
}
