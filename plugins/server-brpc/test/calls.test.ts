import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type BrpcClientOptions, type BrpcResponse, newClient } from "@ts-micro/client-brpc";
import { getMetadata, MicroError, newService } from "ts-micro";
import { type Client, newTypedClient } from "ts-micro/client";
import { type BrpcServerOptions, errnoOf } from "../src/index.ts";
import { type RunningEcho, startEcho } from "./echo.ts";
import { EchoService } from "./schema/gen/example/echo_pb.ts";

describe("calls over bRPC", () => {
  let echo: RunningEcho;
  let addresses: string[];
  const clients: Client[] = [];
  const servers: RunningEcho[] = [];
  before(async () => {
    echo = await serverWith({});
    addresses = [echo.address];
  });
  after(async () => {
    for (const client of clients) await client.close();
    for (const server of servers) await server.stop();
  });
  const clientWith = (options: BrpcClientOptions = {}): Client => {
    const client = newClient(options);
    clients.push(client);
    return client;
  };
  const serverWith = async (options: BrpcServerOptions): Promise<RunningEcho> => {
    const server = await startEcho(options);
    servers.push(server);
    return server;
  };
  const typed = (client: Client) => newTypedClient(EchoService, client, { service: "echo", addresses });

  test("a typed call, plain and with every compression, checksum and connection type", async () => {
    for (const compression of ["none", "snappy", "gzip", "zlib"] as const) {
      for (const checksum of ["none", "crc32c"] as const) {
        for (const connectionType of ["single", "pooled", "short"] as const) {
          const client = clientWith({ compression, checksum, connectionType });
          const message = `${compression} ${checksum} `.repeat(100);
          assert.equal((await typed(client).echo({ message })).message, message);
        }
      }
    }
  });

  test("attachment, user fields and the answer's own", async () => {
    let response: BrpcResponse | undefined;
    const { message } = await typed(clientWith()).echo(
      { message: "hello" },
      {
        metadata: { "X-Tenant": "acme" },
        brpc: {
          attachment: Buffer.from("raw bytes"),
          compression: "gzip",
          checksum: "crc32c",
          checksumWithAttachment: true,
          userFields: { Tenant: "blue" },
          logId: -1n,
          authenticationData: Buffer.from("secret"),
          onResponse: (given) => {
            response = given;
          },
        },
      },
    );
    assert.equal(message, "hello");
    assert.equal(response?.attachment.toString(), "raw bytes");
    assert.deepEqual([...(response?.userFields ?? [])].sort(), [
      ["Tenant", "blue!"],
      ["x-tenant", "acme!"],
    ]);
  });

  test("an attachment of 20 MiB", async () => {
    const attachment = Buffer.alloc(20 << 20, "0123456789abcdef-");
    let back: Buffer | undefined;
    const onResponse = (response: BrpcResponse): void => {
      back = response.attachment;
    };
    await typed(clientWith()).echo(
      { message: "large" },
      { brpc: { attachment, onResponse }, timeoutMs: 60_000 },
    );
    assert.ok(back?.equals(attachment));
  });

  test("a request or an answer that is too long is an error, and the connection stays", async () => {
    const small = clientWith({ maxBodyBytes: 10_000 });
    await assert.rejects(typed(small).echo({ message: "x".repeat(10_000) }), {
      code: 413,
      reason: "too-large",
    });
    // 9 KiB there, more than 10 000 bytes back: the server's limit is larger than the client's.
    const request = { service: "echo", endpoint: "Plain.Echo", addresses, body: ["é".repeat(4_000)] };
    assert.deepEqual(await small.call(request), request.body);
    const limited = await serverWith({ maxBodyBytes: 10_000 });
    const there = { service: "echo", endpoint: "Plain.Echo", addresses: [limited.address] };
    const client = clientWith();
    // JSON's escapes make six bytes of each of these.
    const long = "\u2028".repeat(3_000);
    const packed = Buffer.from(JSON.stringify(long));
    assert.ok(packed.length < 10_000);
    await assert.rejects(client.call({ ...there, contentType: "application/json", body: packed }), {
      code: 500,
      detail: /of 10000 allowed/,
    });
    assert.equal(await client.call({ ...there, body: "short" }), "short");
  });

  test("a message that decompresses to more than the limit is refused, both ways", async () => {
    const limited = await serverWith({ maxBodyBytes: 100_000 });
    for (const compression of ["snappy", "gzip", "zlib"] as const) {
      const client = clientWith({ compression });
      const there = newTypedClient(EchoService, client, { service: "echo", addresses: [limited.address] });
      await assert.rejects(there.echo({ message: "x".repeat(200_000) }), {
        code: 400,
        detail: /Fail to parse request/,
      });
      const short = clientWith({ maxBodyBytes: 100_000, compression });
      const repeat = { service: "echo", endpoint: "Plain.Repeat", addresses };
      await assert.rejects(short.call({ ...repeat, body: 200_000 }), { code: 500, reason: "decode-failed" });
      assert.equal((await short.call<string>({ ...repeat, body: 90_000 })).length, 90_000);
    }
  });

  test("every way to name a service, and none that isn't there", async () => {
    const client = clientWith();
    const call = (endpoint: string, packageName?: string) =>
      client.call({
        service: "echo",
        endpoint,
        addresses,
        body: { message: "hi" },
        ...(packageName !== undefined && { package: packageName }),
      });
    assert.deepEqual(await call("EchoService.Echo"), { message: "hi" });
    assert.deepEqual(await call("EchoService.Echo", "example"), { message: "hi" });
    assert.deepEqual(await call("example.EchoService.Echo"), { message: "hi" });
    // go-micro's rule: the last part counts where no schema has the whole name.
    assert.deepEqual(await call("other.EchoService.Echo"), { message: "hi" });
    const failures = {
      "Nobody.Echo": 1001,
      "example.Nobody.Echo": 1002,
      "EchoService.Nothing": 1002,
      "Plain.": 1002,
    };
    for (const [endpoint, errno] of Object.entries(failures)) {
      await assert.rejects(
        call(endpoint),
        (error) => MicroError.is(error) && errnoOf(error) === errno,
        endpoint,
      );
    }
    await assert.rejects(call("Echo"), { code: 400, detail: /write it as Type.Method/ });
    await assert.rejects(call(".Echo"), { code: 400 });
  });

  test("an error with a bRPC code of its own, and one of go-micro's", async () => {
    await assert.rejects(typed(clientWith()).echo({ message: "fail" }), (error) => {
      assert.ok(MicroError.is(error));
      assert.deepEqual([error.id, error.code, error.detail], ["brpc", 500, "handler says no"]);
      assert.equal(errnoOf(error), 2001);
      return true;
    });
    let errorCode = 0;
    const onResponse = (response: BrpcResponse): void => {
      errorCode = response.errorCode;
    };
    await assert.rejects(
      clientWith().call({ service: "echo", endpoint: "Plain.Throw", addresses, brpc: { onResponse } }),
      { id: "echo", code: 500, detail: /^for 127\.0\.0\.1:\d+$/ },
    );
    assert.equal(errorCode, 2001);
  });

  test("ids have fields of their own, and come as metadata", async () => {
    const metadata = {
      "Log-Id": "4711",
      "X-Request-Id": "req-1",
      "Micro-Trace-Id": "9007199254740993",
      "Micro-Span-Id": "a span",
      "X-Tenant": "acme",
    };
    const seen = await clientWith().call<Record<string, string>>({
      service: "echo",
      endpoint: "Plain.Metadata",
      addresses,
      metadata,
    });
    for (const [key, value] of Object.entries(metadata)) assert.equal(getMetadata(seen, key), value, key);
  });

  test("a caller's time is the handler's deadline; none is none", async () => {
    const client = clientWith();
    const request = { service: "echo", endpoint: "Plain.Remaining", addresses };
    const remaining = await client.call<number>({ ...request, timeoutMs: 60_000 });
    assert.ok(remaining > 0 && remaining <= 60_000);
    assert.equal(await client.call({ ...request, timeoutMs: Infinity }), null);
  });

  test("JSON that is none, or doesn't fit the schema, is told why", async () => {
    const request = { service: "echo", endpoint: "EchoService.Echo", addresses };
    await assert.rejects(clientWith().call({ ...request, body: { message: 5 } }), {
      code: 400,
      detail: /Fail to parse request=example.EchoRequest, ContentType=json, .*message/,
    });
    await assert.rejects(
      clientWith().call({ ...request, contentType: "application/json", body: Buffer.from("{") }),
      {
        code: 400,
        detail: /JSON/,
      },
    );
  });

  test("bytes are a protobuf message, unless a content type says otherwise", async () => {
    const request = { service: "echo", endpoint: "EchoService.Echo", addresses };
    const bytes = Buffer.from("0a026869", "hex");
    assert.deepEqual(await clientWith().call({ ...request, body: bytes }), bytes);
    const json = Buffer.from('{"message":"hi"}');
    const contentType = "application/json";
    assert.deepEqual(await clientWith().call({ ...request, contentType, body: json }), { message: "hi" });
    assert.deepEqual(await clientWith({ contentType }).call({ ...request, body: json }), { message: "hi" });
  });

  test("streams are refused on both sides", async () => {
    await assert.rejects(clientWith().stream({ service: "echo", endpoint: "Plain.Count", addresses }), {
      code: 501,
      reason: "not-supported",
    });
  });

  test("content types that bRPC has no number for are refused", async () => {
    const request = { service: "echo", endpoint: "Plain.Echo", addresses, contentType: "application/grpc" };
    await assert.rejects(clientWith().call(request), { code: 415, reason: "unsupported-content-type" });
    const parameters = { ...request, contentType: "Application/JSON; charset=utf-8", body: [1] };
    assert.deepEqual(await clientWith().call(parameters), [1]);
  });

  test("options out of range are told", () => {
    const wrong: BrpcClientOptions[] = [
      { connectionType: "double" as "single" },
      { compression: "lz4" as "gzip" },
      { checksum: "md5" as "crc32c" },
      { maxBodyBytes: 0 },
      { healthCheckIntervalMs: 0.5 },
    ];
    for (const options of wrong)
      assert.throws(() => newClient(options), new RegExp(Object.keys(options)[0] ?? ""));
  });

  test("HTTP on the same port: /health, and nothing else", async () => {
    const health = await fetch(`http://${echo.address}/health`);
    assert.deepEqual([health.status, await health.text()], [200, "OK\n"]);
    const other = await fetch(`http://${echo.address}/`);
    assert.deepEqual(
      [other.status, await other.text()],
      [404, "baidu_std is spoken here; over HTTP there is /health\n"],
    );
  });
});

test("beside mucp on one port: each client finds its protocol", async () => {
  const { newWire } = await import("../src/index.ts");
  const { newServer } = await import("ts-micro/server");
  const { newClient: newMucpClient } = await import("ts-micro/client");
  const echo = await startEcho({}, { server: (options) => newServer({ ...options, wires: [newWire()] }) });
  const { registry } = echo.service;
  for (const make of [newClient, newMucpClient]) {
    const caller = newService({ client: (options) => make(options), registry, argv: [], env: {} });
    await caller.init();
    const answer = await caller.client.call({ service: "echo", endpoint: "Plain.Echo", body: make.name });
    assert.equal(answer, make.name);
    const { message } = await caller.for(EchoService, { service: "echo" }).echo({ message: "typed" });
    assert.equal(message, "typed");
    await caller.client.close();
  }
  await echo.stop();
});
