/** Clients that mean harm, or are out of order: the process lives, others are served, memory stays bounded. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { fuzzTest } from "@ts-micro/fuzz";
import { stream } from "ts-micro/server";
import { serve } from "./harness.ts";

const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);

function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

function literal(name: string, value: string): Buffer {
  const text = (each: string): Buffer => {
    const bytes = Buffer.from(each);
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    let rest = bytes.length - 127;
    const length = [127];
    for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
    return Buffer.concat([Buffer.from([...length, rest]), bytes]);
  };
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

const call = Buffer.concat([
  Buffer.from([0x83, 0x86]),
  literal(":path", "/x.Test/Echo"),
  literal(":authority", "x"),
  literal("content-type", "application/grpc"),
  literal("te", "trailers"),
]);

async function dial(address: string): Promise<Socket> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  return socket;
}

/** One call of a client that behaves. */
async function echo(address: string): Promise<string> {
  const session = connectHttp2(`http://${address}`);
  const request = session.request({
    ":method": "POST",
    ":path": "/x.Test/Echo",
    "content-type": "application/grpc",
    te: "trailers",
  });
  request.end(Buffer.from("0000000002aabb", "hex"));
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  session.destroy();
  return Buffer.concat(chunks).toString("hex");
}

const methods = {
  Echo: (body: unknown) => body,
  Sink: stream(async function* (requests: AsyncIterable<unknown>) {
    await new Promise(() => {});
    for await (const _ of requests) yield {};
  }),
};

fuzzTest("random bytes, at the start and after a proper one", { rounds: 40 }, async (random) => {
  const closing: (() => Promise<void>)[] = [];
  const { address } = await serve({ after: (run) => closing.push(run) }, methods, { pingIntervalMs: 50 });
  const socket = await dial(address);
  const closed = once(socket, "close");
  if (random.once(2)) socket.write(preface);
  for (let n = 0; n < 5; n++) {
    const noise = random.bytes(random.length(300));
    const type = random.below(12);
    socket.write(random.once(3) ? noise : frame(type, random.below(256), random.below(6), noise));
  }
  socket.end();
  await closed;
  assert.equal(await echo(address), "0000000002aabb");
  for (const close of closing) await close();
});

test("floods: settings, pings, resets, windows, headers without an end", {
  timeout: 60_000,
}, async (context) => {
  const { address } = await serve(context, methods);
  const floods: Record<string, (n: number) => Buffer> = {
    settings: () => frame(4, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0])),
    pings: () => frame(6, 0, 0, Buffer.alloc(8)),
    "rapid resets": (n) =>
      Buffer.concat([frame(1, 4, 2 * n + 1, call), frame(3, 0, 2 * n + 1, Buffer.from([0, 0, 0, 8]))]),
    windows: () => frame(8, 0, 0, Buffer.from([0, 0, 0, 1])),
    "headers that never end": (n) =>
      frame(n === 0 ? 1 : 9, 0, 1, Buffer.concat([call, literal("x", "y".repeat(1_000))])),
    "empty data": (n) => (n === 0 ? frame(1, 4, 1, call) : frame(0, 0, 1)),
  };
  for (const [name, next] of Object.entries(floods)) {
    const before = heldBytes();
    const socket = await dial(address);
    socket.write(preface);
    for (let n = 0; n < 20_000 && !socket.destroyed; n++) {
      if (!socket.write(next(n)))
        await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => {});
    }
    assert.equal(await echo(address), "0000000002aabb", name);
    socket.destroy();
    const grown = heldBytes() - before;
    assert.ok(grown < 64 * 1024 * 1024, `${name}: ${grown} bytes more`);
  }
});

test("a list of headers beyond all measure is refused", async (context) => {
  const { address } = await serve(context, methods);
  const session = connectHttp2(`http://${address}`, { maxSendHeaderBlockLength: 10_000_000 });
  session.on("error", () => {});
  const request = session.request({
    ":method": "POST",
    ":path": "/x.Test/Echo",
    "content-type": "application/grpc",
    ...Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`x-${n}`, "y".repeat(10_000)])),
  });
  request.on("error", () => {});
  request.end(Buffer.from("0000000002aabb", "hex"));
  await new Promise((resolve) => request.on("close", resolve));
  session.destroy();
  assert.equal(await echo(address), "0000000002aabb");
});

test("a handler that reads nothing makes its caller wait", async (context) => {
  const { address } = await serve(context, methods);
  const session = connectHttp2(`http://${address}`);
  session.on("error", () => {});
  const request = session.request({
    ":method": "POST",
    ":path": "/x.Test/Sink",
    "content-type": "application/grpc",
  });
  request.on("error", () => {});
  const message = Buffer.concat([Buffer.from([0, 0, 1, 0, 0]), Buffer.alloc(65_536)]);
  let taken = 0;
  const send = (): void => {
    request.write(message, (error) => {
      if (error) return;
      taken++;
      send();
    });
  };
  send();
  for (let before = -1; taken !== before; ) {
    before = taken;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.ok(taken * message.length < 16 * 1024 * 1024, `${taken} messages of 64 KiB were taken`);
  session.destroy();
  assert.equal(await echo(address), "0000000002aabb");
});

function heldBytes(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
