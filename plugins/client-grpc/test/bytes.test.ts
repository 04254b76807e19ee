/** Servers made of bytes: what Go servers answer, and what no well-behaved server does. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { MicroError } from "ts-micro";
import type { Client } from "ts-micro/client";
import { type GrpcClientOptions, newClient, withGrpc } from "../src/index.ts";

const [data, headers, reset, settings, ping, goaway] = [0, 1, 3, 4, 6, 7];
const endStream = 1;
const endHeaders = 4;

function frame(type: number, flags: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

function numbers(...values: number[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    }),
  );
}

/** `:status 200` and literals without indexing and without Huffman. */
function block(fields: Record<string, string>, status = 0x88): Buffer {
  const literal = (text: string): Buffer => {
    const bytes = Buffer.from(text);
    const rest = bytes.length - 127;
    const length =
      rest < 0 ? [bytes.length] : rest < 128 ? [127, rest] : [127, (rest & 127) | 128, rest >> 7];
    return Buffer.concat([Buffer.from(length), bytes]);
  };
  const parts = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.from([0]), literal(name), literal(value)]),
  );
  return Buffer.concat([Buffer.from(status === 0 ? [] : [status]), ...parts]);
}

const proto = { "content-type": "application/grpc+proto" };
const ok = (id: number, body: Buffer): Buffer =>
  Buffer.concat([
    frame(headers, endHeaders, id, block(proto)),
    frame(data, 0, id, body),
    frame(headers, endHeaders | endStream, id, block({ "grpc-status": "0", "grpc-message": "" }, 0)),
  ]);
const hello = Buffer.from("000000000c0a0a48656c6c6f204a6f686e", "hex");

interface Request {
  readonly id: number;
  /** Of the server's connections, counted from 1. */
  readonly connection: number;
  readonly socket: Socket;
  answer(...frames: Buffer[]): void;
}

interface Closing {
  after(run: () => void | Promise<void>): void;
}

/** Reads frames, and gives each request when its last one has come. */
async function serve(
  context: Closing,
  answer: (request: Request) => void,
  first: Buffer = frame(settings, 0, 0, Buffer.from([0, 5, 0, 0, 0x40, 0])),
): Promise<string> {
  let connections = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    let bytes = Buffer.alloc(0);
    let greeted = false;
    socket.on("error", () => {});
    context.after(() => void socket.destroy());
    socket.write(first);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!greeted && bytes.length >= 24) {
        greeted = true;
        bytes = bytes.subarray(24);
        socket.write(frame(settings, 1, 0));
      }
      while (greeted && bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const end = 9 + bytes.readUIntBE(0, 3);
        const [type, flags, id] = [bytes[3] as number, bytes[4] as number, bytes.readUInt32BE(5)];
        const last = (type === data || type === headers) && (flags & endStream) !== 0;
        bytes = bytes.subarray(end);
        if (last)
          answer({ id, connection, socket, answer: (...frames) => socket.write(Buffer.concat(frames)) });
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function connect(context: Closing, options: GrpcClientOptions = {}): Client {
  const client = newClient({ retries: 0, backoff: () => 0, ...options });
  context.after(() => client.close());
  return client;
}

const john = Buffer.from("0a044a6f686e", "hex");
const to = (address: string) => ({
  service: "go.micro.srv.greeter",
  endpoint: "Say.Hello",
  body: john,
  addresses: [address],
});

test("a Go server's answer", async (context) => {
  const address = await serve(context, ({ id, answer }) => answer(ok(id, hello)));
  const answer = await connect(context).call<Uint8Array>(to(address));
  assert.equal(Buffer.from(answer).toString("latin1"), "\n\nHello John");
});

test("a Go server's errors: in the details, as JSON, as a plain status", async (context) => {
  const answers: Record<string, string>[] = [
    {
      "grpc-status": "5",
      "grpc-message": '{"id":"go.micro.srv.greeter","code":404,"detail":"no such user","status":"Not Found"}',
      "grpc-status-details-bin":
        "CAUSVXsiaWQiOiJnby5taWNyby5zcnYuZ3JlZXRlciIsImNvZGUiOjQwNCwiZGV0YWlsIjoibm8gc3VjaCB1c2VyIiwic3RhdHVzIjoi" +
        "Tm90IEZvdW5kIn0aVgogdHlwZS5nb29nbGVhcGlzLmNvbS9lcnJvcnMuRXJyb3ISMgoUZ28ubWljcm8uc3J2LmdyZWV0ZXIQlAMaDG5v" +
        "IHN1Y2ggdXNlciIJTm90IEZvdW5k",
    },
    { "grpc-status": "13", "grpc-message": '{"id":"x","code":409,"detail":"busy","status":"Conflict"}' },
    { "grpc-status": "12", "grpc-message": "unknown service Nope" },
  ];
  const expected = [
    { id: "go.micro.srv.greeter", code: 404, detail: "no such user", status: "Not Found" },
    { id: "x", code: 409, detail: "busy", status: "Conflict" },
    { id: "go.micro.client", code: 501, detail: "unknown service Nope", status: "Not Implemented" },
  ];
  let call = 0;
  const address = await serve(context, ({ id, answer }) =>
    answer(frame(headers, endHeaders | endStream, id, block({ ...proto, ...answers[call++] }))),
  );
  const client = connect(context);
  for (const each of expected) await assert.rejects(client.call(to(address)), { ...each, reason: undefined });
});

test("answers that are none have an error that says so", async (context) => {
  const html = { "content-type": "text/html" };
  const frames: Record<string, (id: number) => Buffer[]> = {
    "content-type": (id) => [frame(headers, endHeaders | endStream, id, block(html))],
    "HTTP status 404": (id) => [frame(headers, endHeaders | endStream, id, block(html, 0x8d))],
    "error code 2": (id) => [frame(reset, 0, id, numbers(2))],
    "without a message": (id) => [
      frame(headers, endHeaders, id, block(proto)),
      frame(headers, endHeaders | endStream, id, block({ "grpc-status": "0" }, 0)),
    ],
    "error code 0": (id) => [frame(headers, endHeaders, id, block(proto)), frame(data, endStream, id, hello)],
    "several messages": (id) => [ok(id, Buffer.concat([hello, hello]))],
    "ends within a message": (id) => [ok(id, hello.subarray(0, 9))],
  };
  for (const [words, answers] of Object.entries(frames)) {
    const address = await serve(context, ({ id, answer }) => answer(...answers(id)));
    await assert.rejects(connect(context).call(to(address)), (error) => {
      assert.ok(MicroError.is(error));
      assert.match(error.detail, new RegExp(words));
      assert.equal(error.reason, undefined);
      return true;
    });
  }
});

test("a refused stream is called again, on another connection when the server has said goodbye", async (context) => {
  const said: Record<string, (request: Request) => void> = {
    REFUSED_STREAM: ({ id, answer }) => answer(frame(reset, 0, id, numbers(7))),
    GOAWAY: ({ answer }) => answer(frame(goaway, 0, 0, numbers(0, 0))),
    "GOAWAY with an error": ({ answer }) => answer(frame(goaway, 0, 0, numbers(0, 11))),
  };
  for (const [name, refuse] of Object.entries(said)) {
    const seen: number[] = [];
    const address = await serve(context, (request) => {
      seen.push(request.connection);
      if (seen.length === 1) refuse(request);
      else request.answer(ok(request.id, hello));
    });
    const client = connect(context, { retries: 1 });
    assert.equal((await client.call<Uint8Array>(to(address))).length, 12, name);
    assert.deepEqual(seen, name === "REFUSED_STREAM" ? [1, 1] : [1, 2], name);
  }
});

test("after a goodbye calls in flight end well, and new ones take another connection", async (context) => {
  const waiting: Request[] = [];
  const address = await serve(context, (request) => {
    if (request.connection === 2) request.answer(ok(request.id, hello));
    else {
      waiting.push(request);
      request.answer(frame(goaway, 0, 0, numbers(request.id, 0)));
    }
  });
  const client = connect(context);
  const first = client.call<Uint8Array>(to(address));
  while (waiting.length === 0) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await client.call<Uint8Array>(to(address))).length, 12);
  for (const { id, answer } of waiting) answer(ok(id, hello));
  assert.equal((await first).length, 12);
});

test("the server's limit of concurrent calls opens further connections", async (context) => {
  const waiting: Request[] = [];
  const two = frame(settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 2]));
  const address = await serve(context, (request) => waiting.push(request), two);
  const client = connect(context, { poolSize: 2 });
  const calls = Array.from({ length: 6 }, () => client.call(to(address)));
  const open = (): number[] => waiting.map(({ connection }) => connection).sort();
  while (waiting.length < 4) await new Promise(setImmediate);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(open(), [1, 1, 2, 2], "the rest waits");
  for (const { id, answer } of waiting.splice(0)) answer(ok(id, hello));
  while (waiting.length < 2) await new Promise(setImmediate);
  for (const { id, answer } of waiting) answer(ok(id, hello));
  await Promise.all(calls);
});

test("what a listener throws is the failure of its call", async (context) => {
  const address = await serve(context, ({ id, answer }) => answer(ok(id, hello)));
  const client = connect(context);
  const listener = (): never => {
    throw new Error("not my day");
  };
  for (const options of [{ onHeader: listener }, { onTrailer: listener }]) {
    await assert.rejects(client.call(withGrpc(to(address), options)), { code: 500, detail: /not my day/ });
  }
  assert.equal((await client.call<Uint8Array>(to(address))).length, 12);
});

test("what isn't HTTP/2 is no connection, and the call never left", async (context) => {
  const http1 = Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n");
  const address = await serve(context, () => {}, http1);
  await assert.rejects(connect(context).call(to(address)), {
    code: 503,
    reason: "connection-failed",
    detail: /doesn't speak HTTP\/2|closed the connection before/,
  });
});

test("a connection that is silent after a timeout gets one ping, no more calls, and its end", async (context) => {
  const sockets: Socket[] = [];
  let silent = false;
  const address = await serve(context, ({ id, socket, answer }) => {
    sockets.push(socket);
    if (!silent) answer(ok(id, hello));
    // Neither an answer nor a ping's: the peer's machine is gone, and TCP doesn't know.
    else socket.removeAllListeners("data");
  });
  const client = connect(context, { pingTimeoutMs: 200 });
  await client.call(to(address));
  silent = true;
  await assert.rejects(client.call({ ...to(address), timeoutMs: 60 }), { reason: "timeout" });
  silent = false;
  const [dead] = sockets as [Socket];
  const ended = once(dead.resume(), "close");
  assert.equal((await client.call<Uint8Array>(to(address))).length, 12);
  assert.equal(sockets[1], dead);
  assert.notEqual(sockets[2], dead, "another connection");
  await ended;
});

test("a slow handler is no dead connection", async (context) => {
  const pings: number[] = [];
  const waiting: Request[] = [];
  const address = await serve(context, (request) => {
    if (waiting.push(request) > 1) request.answer(ok(request.id, hello));
    else
      request.socket.on("data", (chunk: Buffer) => {
        if (chunk[3] !== ping || chunk.length !== 17) return;
        pings.push(chunk.length);
        request.answer(frame(ping, 1, 0, chunk.subarray(9)));
      });
  });
  const client = connect(context, { pingTimeoutMs: 100 });
  await assert.rejects(client.call({ ...to(address), timeoutMs: 60 }), { reason: "timeout" });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal((await client.call<Uint8Array>(to(address))).length, 12);
  assert.equal(waiting[1]?.connection, 1, "the same connection");
});
