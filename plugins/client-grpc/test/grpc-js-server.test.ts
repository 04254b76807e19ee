/** An independent server, gRPC's own for Node, that has never heard of go-micro. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { certificate, tlsFixture } from "@ts-micro/conformance";
import type { MessageType } from "ts-micro";
import type { CallOptions, Client, ClientStream } from "ts-micro/client";
import { newMemoryRegistry } from "ts-micro/registry";
import { bytesOfValue, type GrpcClientOptions, isGrpcError, newClient, withGrpc } from "../src/index.ts";

const same = (bytes: Buffer): Buffer => bytes;

type Implementation = Parameters<Server["addService"]>[1];
type Kind = [requestStream: boolean, responseStream: boolean];
const unary: Kind = [false, false];

interface Closing {
  after(run: () => void | Promise<void>): void;
}

async function serve(
  context: Closing,
  methods: Record<string, [Kind, Implementation[string]]>,
  credentials = ServerCredentials.createInsecure(),
  options = {},
): Promise<{ address: string; server: Server }> {
  const server = new Server(options);
  const definition = Object.fromEntries(
    Object.entries(methods).map(([name, [[requestStream, responseStream]]]) => [
      name,
      {
        path: `/example.v1.Plain/${name}`,
        requestStream,
        responseStream,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    ]),
  );
  const implementation = Object.fromEntries(Object.entries(methods).map(([name, [, run]]) => [name, run]));
  server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  context.after(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, server };
}

function connect(context: Closing, options: GrpcClientOptions = {}): Client {
  const client = newClient({ retries: 0, ...options });
  context.after(() => client.close());
  return client;
}

function to(address: string, method: string, options: CallOptions = {}) {
  return {
    service: "plain",
    package: "example.v1",
    endpoint: `Plain.${method}`,
    addresses: [address],
    ...options,
  };
}

type Call = ServerUnaryCall<Buffer, Buffer>;
type Reply = sendUnaryData<Buffer>;
const echo = (call: Call, reply: Reply): void => reply(null, call.request);

test("calls a server that is in no registry, and one that is", async (context) => {
  const { address } = await serve(context, { Echo: [unary, echo] });
  const body = Buffer.from([1, 2, 3]);
  assert.deepEqual(await connect(context).call({ ...to(address, "Echo"), body }), body);
  const registry = newMemoryRegistry({ addresses: [`client-grpc.test.${process.pid}`] });
  const node = { id: "plain-1", address, metadata: { protocol: "grpc" } };
  await registry.register({ name: "plain", version: "1", metadata: {}, endpoints: [], nodes: [node] });
  const client = connect(context, { parts: { registry } });
  const { addresses, ...byName } = to(address, "Echo");
  assert.deepEqual(await client.call({ ...byName, body }), body);
  assert.deepEqual(await client.call({ ...byName, endpoint: "/example.v1.Plain/Echo", body }), body);
});

test("values with a message type are protobuf", async (context) => {
  let contentType: unknown;
  const { address } = await serve(context, {
    Echo: [
      unary,
      (call: Call, reply: Reply) => {
        [contentType] = call.metadata.get("x-content-type");
        reply(null, call.request);
      },
    ],
  });
  const type: MessageType<string> = {
    encode: (value) => Buffer.from(value),
    decode: (bytes) => Buffer.from(bytes).toString(),
  };
  const request = { ...to(address, "Echo"), body: "typed", requestType: type, responseType: type };
  assert.equal(await connect(context).call(request), "typed");
  assert.equal(contentType, "application/grpc+proto");
});

test("server, client and bidirectional streams", async (context) => {
  const { address } = await serve(context, {
    Count: [
      [false, true],
      (call: ServerWritableStream<Buffer, Buffer>) => {
        for (let n = 1; n <= (call.request[0] ?? 0); n++) call.write(Buffer.from([n]));
        call.end();
      },
    ],
    Sum: [
      [true, false],
      (call: ServerReadableStream<Buffer, Buffer>, reply: Reply) => {
        let sum = 0;
        call.on("data", ([n = 0]: Buffer) => {
          sum += n;
        });
        call.on("end", () => reply(null, Buffer.from([sum])));
      },
    ],
    Double: [
      [true, true],
      (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on("data", ([n = 0]: Buffer) => call.write(Buffer.from([2 * n])));
        call.on("end", () => call.end());
      },
    ],
  });
  const client = connect(context);
  const contentType = "application/grpc+proto";
  const open = (method: string): Promise<ClientStream<Buffer, Buffer>> =>
    client.stream<Buffer, Buffer>(to(address, method, { contentType }));
  const counting = await open("Count");
  await counting.send(Buffer.from([5]));
  await counting.end();
  const counted: (number | undefined)[] = [];
  for await (const [n] of counting) counted.push(n);
  assert.deepEqual(counted, [1, 2, 3, 4, 5]);

  const summing = await open("Sum");
  for (let n = 1; n <= 10; n++) await summing.send(Buffer.from([n]));
  await summing.end();
  for await (const [sum] of summing) assert.equal(sum, 55);

  const doubling = await open("Double");
  const answers = doubling[Symbol.asyncIterator]();
  for (let n = 0; n < 20; n++) {
    await doubling.send(Buffer.from([n]));
    assert.deepEqual((await answers.next()).value, Buffer.from([2 * n]));
  }
  await doubling.end();
  assert.equal((await answers.next()).done, true);
});

test("plain statuses, their details and trailers", async (context) => {
  const { address } = await serve(context, {
    Fail: [
      unary,
      (call: Call, reply: Reply) => {
        const metadata = new Metadata();
        metadata.set("x-last-bin", Buffer.from([1, 255]));
        call.sendMetadata(metadata);
        reply({ code: call.request[0] ?? 2, details: "no % ☃", metadata });
      },
    ],
  });
  const client = connect(context);
  const codes = { 5: 404, 16: 401, 14: 503, 12: 501, 9: 412, 10: 500 };
  for (const [status, code] of Object.entries(codes)) {
    let header: unknown;
    let trailer: unknown;
    const request = withGrpc(to(address, "Fail"), {
      onHeader: (metadata) => {
        header = metadata["X-Last-Bin"];
      },
      onTrailer: (metadata) => {
        trailer = metadata["X-Last-Bin"];
      },
    });
    await assert.rejects(client.call({ ...request, body: Buffer.from([Number(status)]) }), (error) => {
      assert.ok(isGrpcError(error));
      assert.deepEqual(
        [error.id, error.code, error.detail, error.grpc.code, error.reason],
        ["go.micro.client", code, "no % ☃", Number(status), undefined],
      );
      return true;
    });
    assert.deepEqual(
      [header, trailer].map((value) => bytesOfValue(String(value))),
      [Buffer.from([1, 255]), Buffer.from([1, 255])],
    );
  }
  await assert.rejects(client.call({ ...to(address, "Missing"), body: Buffer.alloc(0) }), { code: 501 });
});

test("deadlines and cancelled calls reach the server", async (context) => {
  const cancelled: Promise<void>[] = [];
  let begun = (): void => {};
  let deadline: unknown;
  const { address } = await serve(context, {
    Hang: [
      unary,
      (call: Call) => {
        deadline = call.getDeadline();
        cancelled.push(new Promise((resolve) => call.once("cancelled", resolve)));
        begun();
      },
    ],
  });
  const client = connect(context);
  await assert.rejects(client.call({ ...to(address, "Hang", { timeoutMs: 80 }), body: Buffer.alloc(0) }), {
    code: 408,
    reason: "timeout",
  });
  await cancelled[0];
  assert.ok(Number(deadline) < Date.now() + 1_000);
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const stop = new AbortController();
  const call = client.call({ ...to(address, "Hang", { signal: stop.signal }), body: Buffer.alloc(0) });
  await running;
  stop.abort();
  await assert.rejects(call, { code: 499, reason: "cancelled" });
  await cancelled[1];
});

test("limits of messages, both ways", async (context) => {
  const { address } = await serve(context, {
    Make: [unary, (call: Call, reply: Reply) => reply(null, Buffer.alloc(call.request.readUInt16BE()))],
  });
  const client = connect(context, { maxReceiveMessageBytes: 300, maxSendMessageBytes: 200 });
  const size = (bytes: number, length = 2): Buffer => {
    const body = Buffer.alloc(length);
    body.writeUInt16BE(bytes);
    return body;
  };
  assert.equal((await client.call<Buffer>({ ...to(address, "Make"), body: size(300) })).length, 300);
  await assert.rejects(client.call({ ...to(address, "Make"), body: size(301) }), {
    detail: "grpc: received message larger than max (301 vs. 300)",
  });
  await assert.rejects(client.call({ ...to(address, "Make"), body: size(1, 201) }), {
    code: 413,
    reason: "too-large",
    detail: /larger than max \(201 vs\. 200\)/,
  });
});

test("compresses when told to, and reads compressed answers", async (context) => {
  const encodings: unknown[] = [];
  const { address } = await serve(
    context,
    {
      Echo: [
        unary,
        (call: Call, reply: Reply) => {
          encodings.push(call.metadata.get("grpc-encoding")[0]);
          reply(null, call.request);
        },
      ],
    },
    ServerCredentials.createInsecure(),
    { "grpc.default_compression_algorithm": 2 },
  );
  const body = Buffer.alloc(20_000, "x");
  const client = connect(context);
  const zipping = connect(context, { compression: "gzip" });
  assert.deepEqual(await client.call({ ...to(address, "Echo"), body }), body);
  assert.deepEqual(await zipping.call({ ...to(address, "Echo"), body }), body);
  assert.deepEqual(await client.call(withGrpc({ ...to(address, "Echo"), body }, { compress: true })), body);
  assert.equal(encodings.length, 3);
});

test("TLS, and mutual TLS", async (context) => {
  const ca = Buffer.from(certificate("ca"));
  const pair = {
    cert_chain: Buffer.from(tlsFixture("server").cert),
    private_key: Buffer.from(tlsFixture("server").key),
  };
  const plain = await serve(context, { Echo: [unary, echo] }, ServerCredentials.createSsl(ca, [pair], false));
  const mutual = await serve(context, { Echo: [unary, echo] }, ServerCredentials.createSsl(ca, [pair], true));
  const body = Buffer.from("secret");
  const trusting = connect(context, { tls: { ca } });
  const known = connect(context, { tls: { ca, ...tlsFixture("client") } });
  assert.deepEqual(await trusting.call({ ...to(plain.address, "Echo"), body }), body);
  assert.deepEqual(await known.call({ ...to(mutual.address, "Echo"), body }), body);
  await assert.rejects(trusting.call({ ...to(mutual.address, "Echo"), body }), { code: 503 });
  const doubting = connect(context, { secure: true });
  await assert.rejects(doubting.call({ ...to(plain.address, "Echo"), body }), {
    reason: "connection-failed",
    detail: /tls\.ca/,
  });
});
