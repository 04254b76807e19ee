/** An independent client, gRPC's own for Node, at the other end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CallOptions,
  ChannelCredentials,
  Client,
  type ClientOptions,
  credentials,
  type Deadline,
  Metadata,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import { certificate, tlsFixture } from "@ts-micro/conformance";
import { type Context, conflict, getMetadata } from "ts-micro";
import { stream } from "ts-micro/server";
import { bytesOfValue, GrpcError, grpcCall } from "../src/index.ts";
import { serve } from "./harness.ts";

const same = (bytes: Buffer): Buffer => bytes;
const path = "/any.package.Test";

function connect(
  context: { after(run: () => void): void },
  address: string,
  options: ClientOptions = {},
  channel: ChannelCredentials = credentials.createInsecure(),
): Client {
  const client = new Client(address, channel, options);
  context.after(() => client.close());
  return client;
}

interface Answer {
  body: Buffer;
  status: StatusObject;
  header: Metadata;
}

function unary(
  client: Client,
  method: string,
  body: Buffer,
  options: CallOptions & { metadata?: Metadata; deadline?: Deadline } = {},
): Promise<Answer> {
  const { metadata = new Metadata(), ...rest } = options;
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    let header = new Metadata();
    const call = client.makeUnaryRequest(
      `${path}/${method}`,
      same,
      same,
      body,
      metadata,
      rest,
      (error, value) => {
        if (error !== null) reject(error);
        else answer = value as Buffer<ArrayBuffer>;
      },
    );
    call.on("metadata", (received) => {
      header = received;
    });
    call.on("status", (status) => resolve({ body: answer, status, header }));
  });
}

async function failure(promise: Promise<unknown>): Promise<ServiceError> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as ServiceError;
  }
  throw new Error("it succeeded");
}

test("bytes go to a handler without a message type, and come back", async (context) => {
  const { address } = await serve(context, { Echo: (body: unknown) => body });
  const client = connect(context, address);
  for (const size of [0, 1, 70_000, 3_000_000]) {
    const body = Buffer.alloc(size, "b");
    assert.deepEqual((await unary(client, "Echo", body)).body, body, `${size} bytes`);
  }
});

test("all four kinds of call", async (context) => {
  const { address } = await serve(context, {
    Count: stream(async function* (requests: AsyncIterable<Buffer>) {
      for await (const [to = 0] of requests) {
        for (let n = 1; n <= to; n++) yield Buffer.from([n]);
        return;
      }
    }),
    Sum: stream(async function* (requests: AsyncIterable<Buffer>) {
      let sum = 0;
      for await (const [n = 0] of requests) sum += n;
      yield Buffer.from([sum]);
    }),
    Double: stream(async function* (requests: AsyncIterable<Buffer>) {
      for await (const [n = 0] of requests) yield Buffer.from([2 * n]);
    }),
  });
  const client = connect(context, address);
  const counted: number[] = [];
  for await (const [n] of client.makeServerStreamRequest(`${path}/Count`, same, same, Buffer.from([5]))) {
    counted.push(n);
  }
  assert.deepEqual(counted, [1, 2, 3, 4, 5]);

  const sum = await new Promise((resolve, reject) => {
    const call = client.makeClientStreamRequest(`${path}/Sum`, same, same, (error, value) =>
      error === null ? resolve(value?.[0]) : reject(error),
    );
    for (let n = 1; n <= 10; n++) call.write(Buffer.from([n]));
    call.end();
  });
  assert.equal(sum, 55);

  const double = client.makeBidiStreamRequest(`${path}/Double`, same, same);
  const answers = double[Symbol.asyncIterator]();
  for (let n = 0; n < 20; n++) {
    double.write(Buffer.from([n]));
    assert.deepEqual((await answers.next()).value, Buffer.from([2 * n]));
  }
  double.end();
  assert.equal((await answers.next()).done, true);
});

test("metadata both ways, binary values too", async (context) => {
  let seen: Context["metadata"] = {};
  const { address } = await serve(context, {
    Read: (body: unknown, context: Context) => {
      seen = context.metadata;
      const call = grpcCall(context);
      assert.equal(call?.path, `${path}/Read`);
      if (call === undefined) return body;
      call.header["X-First"] = "1";
      call.header["x-first-bin"] = getMetadata(context.metadata, "x-trace-bin") ?? "";
      call.trailer["x-last-bin"] = getMetadata(context.metadata, "x-trace-bin") ?? "";
      call.trailer["x-last"] = "2";
      return body;
    },
  });
  const metadata = new Metadata();
  metadata.set("x-tenant", "acme");
  metadata.set("x-trace-bin", Buffer.from([0, 255, 7]));
  const { header, status } = await unary(connect(context, address), "Read", Buffer.alloc(0), { metadata });
  assert.equal(getMetadata(seen, "X-Tenant"), "acme");
  assert.deepEqual(bytesOfValue(getMetadata(seen, "X-Trace-Bin") ?? ""), Buffer.from([0, 255, 7]));
  assert.match(seen.Remote ?? "", /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(header.get("x-first"), ["1"]);
  assert.deepEqual(header.get("x-first-bin"), [Buffer.from([0, 255, 7])]);
  assert.deepEqual(status.metadata.get("x-last"), ["2"]);
  assert.deepEqual(status.metadata.get("x-last-bin"), [Buffer.from([0, 255, 7])]);
});

test("statuses and details", async (context) => {
  const value = Buffer.from([10, 2, 8, 5]);
  const { address } = await serve(context, {
    Micro: () => {
      throw conflict("test", "taken: 100 % ümlaut");
    },
    Native: (_body: unknown, context: Context) => {
      const call = grpcCall(context);
      if (call !== undefined) call.trailer["x-why"] = "because";
      const details = [{ typeUrl: "type.googleapis.com/google.rpc.RetryInfo", value }];
      throw new GrpcError({
        code: 8,
        message: "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
        details,
      });
    },
    Plain: () => {
      throw new Error("disk full");
    },
    Late: stream(async function* () {
      yield Buffer.from([1]);
      throw conflict("test", "later");
    }),
  });
  const client = connect(context, address);
  const micro = await failure(unary(client, "Micro", Buffer.alloc(0)));
  assert.equal(micro.code, 6);
  assert.deepEqual(JSON.parse(micro.details), {
    id: "test",
    code: 409,
    detail: "taken: 100 % ümlaut",
    status: "Conflict",
  });
  const native = await failure(unary(client, "Native", Buffer.alloc(0)));
  assert.equal(native.code, 8);
  assert.equal(native.details, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n");
  assert.deepEqual(native.metadata.get("x-why"), ["because"]);
  const [details] = native.metadata.get("grpc-status-details-bin") as Buffer[];
  assert.ok(details?.includes(value));
  assert.equal((await failure(unary(client, "Plain", Buffer.alloc(0)))).code, 13);
  const late = client.makeServerStreamRequest(`${path}/Late`, same, same, Buffer.alloc(0));
  const read: Buffer[] = [];
  const error = await failure(
    (async () => {
      for await (const each of late) read.push(each);
    })(),
  );
  assert.deepEqual([error.code, read.length], [6, 1]);
});

test("what isn't there, in go-micro's words", async (context) => {
  const { address } = await serve(context, { Echo: (body: unknown) => body });
  const client = connect(context, address);
  const expected = {
    "/x.Nope/Hello": [12, "unknown service Nope"],
    "/x.Test/Nope": [12, "unknown service Test.Nope"],
    "/a/b/c": [3, 'malformed method name: "/a/b/c"'],
    "/Test": [12, 'malformed method name: "/Test"'],
  };
  for (const [method, [code, details]] of Object.entries(expected)) {
    const error = await failure(
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(method, same, same, Buffer.alloc(0), (error, value) =>
          error === null ? resolve(value) : reject(error),
        );
      }),
    );
    assert.deepEqual([error.code, error.details], [code, details], method);
  }
});

test("a deadline reaches the handler, and a cancelled call ends it", async (context) => {
  const signals: Promise<unknown>[] = [];
  let begun = (): void => {};
  const remaining: (number | undefined)[] = [];
  const { address } = await serve(context, {
    Hang: (_body: unknown, { signal }: Context) => {
      signals.push(new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason))));
      begun();
      return new Promise(() => {});
    },
    Remaining: (_body: unknown, context: Context) => {
      remaining.push(context.remainingMs());
      return Buffer.alloc(0);
    },
  });
  const client = connect(context, address);
  await unary(client, "Remaining", Buffer.alloc(0), { deadline: Date.now() + 60_000 });
  await unary(client, "Remaining", Buffer.alloc(0));
  const [limited = 0, unlimited] = remaining;
  assert.ok(limited > 0 && limited <= 60_000, String(limited));
  assert.equal(unlimited, undefined);
  assert.equal(
    (await failure(unary(client, "Hang", Buffer.alloc(0), { deadline: Date.now() + 50 }))).code,
    4,
  );
  await signals[0];
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const call = client.makeUnaryRequest(`${path}/Hang`, same, same, Buffer.alloc(0), () => {});
  await running;
  call.cancel();
  await signals[1];
});

test("messages beyond the limit are refused, with go-micro's texts", async (context) => {
  const options = { maxReceiveMessageBytes: 100, maxSendMessageBytes: 200 };
  const { address } = await serve(
    context,
    {
      Make: ([size = 0]: Buffer) => Buffer.alloc(size),
      Take: stream(async function* (requests: AsyncIterable<Buffer>) {
        for await (const _ of requests);
        yield Buffer.alloc(0);
      }),
    },
    options,
  );
  const client = connect(context, address);
  const texts = {
    in: await failure(unary(client, "Make", Buffer.alloc(101))),
    out: await failure(unary(client, "Make", Buffer.from([201]))),
    stream: await failure(unary(client, "Take", Buffer.alloc(101))),
  };
  assert.deepEqual([texts.in.code, texts.out.code, texts.stream.code], [8, 8, 8]);
  assert.equal(texts.in.details, "grpc: received message larger than max (101 vs. 100)");
  assert.equal(texts.stream.details, "grpc: received message larger than max (101 vs. 100)");
  assert.equal(texts.out.details, "grpc: trying to send message larger than max (201 vs. 200)");
  assert.equal((await unary(client, "Make", Buffer.from([200]))).body.length, 200);
});

test("compressed requests are read, answers compressed when the handler or an option says so", async (context) => {
  const compressed: boolean[] = [];
  const methods = {
    Echo: (body: Buffer, context: Context) => {
      const call = grpcCall(context);
      compressed.push(call?.requestCompressed ?? false);
      if (call !== undefined && body[0] === 1) call.compress = true;
      return body;
    },
  };
  const { address } = await serve(context, methods);
  // 2 is gzip.
  const client = connect(context, address, { "grpc.default_compression_algorithm": 2 });
  const body = Buffer.alloc(10_000, "x");
  const plain = await unary(client, "Echo", body);
  assert.deepEqual(plain.body, body);
  assert.deepEqual(plain.header.get("grpc-encoding"), []);
  body[0] = 1;
  const packed = await unary(client, "Echo", body);
  assert.deepEqual(packed.body, body);
  await unary(connect(context, address), "Echo", body);
  assert.deepEqual(compressed, [true, true, false]);
  const bomb = await serve(context, methods, { maxReceiveMessageBytes: 9_999 });
  const refused = await failure(
    unary(connect(context, bomb.address, { "grpc.default_compression_algorithm": 2 }), "Echo", body),
  );
  assert.deepEqual(
    [refused.code, refused.details],
    [8, "grpc: received message after decompression larger than max 9999"],
  );
});

test("TLS, and mutual TLS", async (context) => {
  const ca = certificate("ca");
  const methods = { Echo: (body: unknown) => body };
  const tls = { ...tlsFixture("server"), ca };
  const plain = await serve(context, methods, { tls });
  const mutual = await serve(context, methods, { tls: { ...tls, requireClientCert: true } });
  const { cert, key } = tlsFixture("client");
  const trusting = ChannelCredentials.createSsl(Buffer.from(ca));
  const known = ChannelCredentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert));
  const body = Buffer.from("secret");
  assert.deepEqual((await unary(connect(context, plain.address, {}, trusting), "Echo", body)).body, body);
  assert.deepEqual((await unary(connect(context, mutual.address, {}, known), "Echo", body)).body, body);
  const stranger = connect(context, mutual.address, {}, trusting);
  assert.equal((await failure(unary(stranger, "Echo", body, { deadline: Date.now() + 10_000 }))).code, 14);
});
