/** The bytes that Go clients send, without a library at the other end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { type Context, notFound } from "ts-micro";
import { stream } from "ts-micro/server";
import { serve } from "./harness.ts";

const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);
const [data, headers, reset, goaway] = [0, 1, 3, 7];
const endStream = 1;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

/** Literals without indexing and without Huffman, after the static `:method POST` and `:scheme http`. */
function block(fields: Record<string, string>): Buffer {
  const literal = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const parts = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.from([0]), literal(name), literal(value)]),
  );
  return Buffer.concat([Buffer.from([0x83, 0x86]), ...parts]);
}

class Peer {
  readonly frames: Frame[] = [];
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #arrived = (): void => {};

  constructor(address: string) {
    const [host = "", port = ""] = address.split(":");
    this.#socket = connect(Number(port), host);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      while (this.#bytes.length >= 9 && this.#bytes.length >= 9 + this.#bytes.readUIntBE(0, 3)) {
        const end = 9 + this.#bytes.readUIntBE(0, 3);
        this.frames.push({
          type: this.#bytes[3] as number,
          flags: this.#bytes[4] as number,
          stream: this.#bytes.readUInt32BE(5),
          payload: this.#bytes.subarray(9, end),
        });
        this.#bytes = this.#bytes.subarray(end);
      }
      this.#arrived();
    });
    this.#socket.write(preface);
  }

  send(...frames: Buffer[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  async until(found: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const frame = this.frames.find(found);
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await once(this.#socket, "close");
  }
}

const say = {
  ":path": "/go.micro.srv.greeter.Test/Hello",
  ":authority": "127.0.0.1:9090",
  "content-type": "application/grpc+proto",
  "user-agent": "grpc-go/1.26.0",
  te: "trailers",
  "grpc-timeout": "4999888u",
  timeout: "5000000000",
  "x-content-type": "application/grpc+proto",
};
const john = Buffer.from("00000000060a044a6f686e", "hex");

test("a unary call of go-micro, and its answer", async (context) => {
  const seen: Context[] = [];
  const { address } = await serve(context, {
    Hello: (body: Buffer, context: Context) => {
      seen.push(context);
      return Buffer.concat([
        Buffer.from([0x0a, body.length - 2 + 6]),
        Buffer.from("Hello "),
        body.subarray(2),
      ]);
    },
  });
  const peer = new Peer(address);
  peer.send(frame(headers, 4, 1, block(say)), frame(data, endStream, 1, john));
  const trailers = await peer.until(({ type, flags }) => type === headers && (flags & endStream) !== 0);
  assert.equal(trailers.stream, 1);
  const answer = peer.frames.filter(({ type }) => type === headers || type === data);
  assert.deepEqual(
    answer.map(({ type, flags }) => [type, flags & endStream]),
    [
      [headers, 0],
      [data, 0],
      [headers, endStream],
    ],
  );
  assert.equal(
    answer[1]?.payload.toString("hex"),
    `000000000c0a0a${Buffer.from("Hello John").toString("hex")}`,
  );
  const [context_] = seen;
  const { metadata } = context_ as Context;
  assert.equal(metadata["Content-Type"], "application/grpc+proto");
  assert.equal(metadata["User-Agent"], "grpc-go/1.26.0");
  assert.equal(metadata[":authority"], "127.0.0.1:9090");
  assert.deepEqual([metadata.Timeout, metadata["X-Content-Type"]], [undefined, undefined]);
  const remaining = context_?.remainingMs() ?? Infinity;
  assert.ok(remaining > 0 && remaining <= 4_999.888, String(remaining));
  await peer.close();
});

test("JSON bodies become objects, and answers have no line feed", async (context) => {
  const { address } = await serve(context, {
    Hello: ({ name }: { name: string }) => ({ msg: `Hello ${name}` }),
  });
  const peer = new Peer(address);
  const body = Buffer.from("000000000f7b226e616d65223a224a6f686e227d", "hex");
  const json = { ...say, "content-type": "application/grpc+json", "x-content-type": "application/json" };
  peer.send(frame(headers, 4, 1, block(json)), frame(data, endStream, 1, body));
  const { payload } = await peer.until(({ type }) => type === data);
  assert.equal(payload.toString("hex"), "00000000147b226d7367223a2248656c6c6f204a6f686e227d");
  await peer.close();
});

test("an error is one block of headers that ends the stream", async (context) => {
  const { address } = await serve(context, {
    Hello: () => {
      throw notFound("go.micro.srv.greeter", "no such user");
    },
  });
  const peer = new Peer(address);
  peer.send(frame(headers, 4, 1, block(say)), frame(data, endStream, 1, john));
  const answer = await peer.until(({ type, stream }) => type === headers && stream === 1);
  assert.equal(answer.flags & endStream, endStream);
  assert.ok(!peer.frames.some(({ type }) => type === data));
  await peer.close();
});

test("a stream whose client never says that it is done ends without an error", async (context) => {
  const { address } = await serve(context, {
    Hello: stream(async function* (requests: AsyncIterable<Buffer>) {
      for await (const [, to = 0] of requests) {
        for (let n = 1; n <= to; n++) yield Buffer.from([8, n]);
        return;
      }
    }),
  });
  const peer = new Peer(address);
  peer.send(frame(headers, 4, 1, block(say)), frame(data, 0, 1, Buffer.from("00000000020802", "hex")));
  const ended = await peer.until(({ type }) => type === reset);
  assert.equal(ended.payload.toString("hex"), "00000000", "NO_ERROR");
  const answer = peer.frames.filter(({ type, stream }) => stream === 1 && type !== reset);
  const body = Buffer.concat(answer.filter(({ type }) => type === data).map(({ payload }) => payload));
  assert.equal(body.toString("hex"), "0000000002080100000000020802");
  assert.equal((answer.at(-1) as Frame).flags & endStream, endStream);
  await peer.close();
});

test("a unary call is answered without waiting for its end", async (context) => {
  const { address } = await serve(context, { Hello: () => Buffer.from([8, 1]) });
  const peer = new Peer(address);
  peer.send(frame(headers, 4, 1, block(say)), frame(data, 0, 1, john));
  assert.equal((await peer.until(({ type }) => type === reset)).payload.readUInt32BE(), 0);
  assert.ok(peer.frames.some(({ type, flags }) => type === headers && (flags & endStream) !== 0));
  await peer.close();
});

test("a reset stream aborts its handler", async (context) => {
  let begun = (): void => {};
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  let aborted: Promise<unknown> | undefined;
  const { address } = await serve(context, {
    Hello: (_body: unknown, { signal }: Context) => {
      aborted = once(signal, "abort");
      begun();
      return new Promise(() => {});
    },
  });
  const peer = new Peer(address);
  peer.send(frame(headers, 4, 1, block(say)), frame(data, endStream, 1, john));
  await running;
  peer.send(frame(reset, 0, 1, Buffer.from([0, 0, 0, 8])));
  await aborted;
  await peer.close();
});

test("what isn't gRPC gets an answer in HTTP", async (context) => {
  const { address } = await serve(context, { Hello: () => ({}) });
  const peer = new Peer(address);
  peer.send(frame(headers, 5, 1, block({ ...say, "content-type": "text/html" })));
  const { flags } = await peer.until(({ type, stream }) => type === headers && stream === 1);
  assert.equal(flags & endStream, endStream);
  await peer.close();
});

test("a server that stops says which call was its last, and answers it", async (context) => {
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let begun = (): void => {};
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const server = await serve(
    context,
    {
      Hello: async () => {
        begun();
        await gate;
        return Buffer.from([8, 1]);
      },
    },
    { drain: { propagationMs: 0, budgetMs: 20_000 } },
  );
  const peer = new Peer(server.address);
  peer.send(frame(headers, 4, 1, block(say)), frame(data, endStream, 1, john));
  await running;
  const stopped = server.stop();
  const said = await peer.until(({ type }) => type === goaway);
  assert.deepEqual([said.payload.readUInt32BE(0), said.payload.readUInt32BE(4)], [1, 0]);
  // It was on its way: it is neither taken nor does it break anything.
  peer.send(frame(headers, 4, 3, block(say)), frame(data, endStream, 3, john));
  open();
  await peer.until(
    ({ type, flags, stream }) => type === headers && stream === 1 && (flags & endStream) !== 0,
  );
  assert.ok(!peer.frames.some(({ stream }) => stream === 3));
  await peer.close();
  await stopped;
});
