/** Services of ts-micro and of go-micro v2.9.1 in one mesh: gRPC and mDNS, which are that version's defaults. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { newClient } from "@ts-micro/client-grpc";
import { certificate, tlsFixture } from "@ts-micro/conformance";
import { newServer } from "@ts-micro/server-grpc";
import { newService, type Service, type ServiceOptions } from "ts-micro";
import type { TypedClient } from "ts-micro/client";
import { failsWith } from "../src/fails-with.ts";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import type { GoCall } from "../src/go-client.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { pemFile } from "../src/pem-file.ts";
import { type Running, serve } from "../src/program.ts";
import { goCall } from "../src/v2/go-client.ts";
import { serveGreeter } from "../src/v2/greeter.ts";

const goServer = goProgram("v2", "server");

function newGrpcService(name: string, parts: Pick<ServiceOptions, "client" | "server"> = {}): Service {
  const argv = ["--server_address=127.0.0.1:0", "--client_request_timeout=20s"];
  return newService({
    name,
    client: "grpc",
    server: "grpc",
    ...parts,
    argv,
    env: { MICRO_LOG_LEVEL: "error" },
  });
}

const sixtyFour = Array.from({ length: 64 }, (_, index) => index);

describe("our client and a go-micro v2.9.1 service", { skip: goServer.skip }, () => {
  const name = newName();
  const column = "ts-micro → go-micro v2.9.1";
  let go: Running;
  let service: Service;
  let greeter: TypedClient<typeof Greeter>;
  before(async () => {
    go = await serve(goServer.path, ["--server_address=127.0.0.1:0"], /listening on \S+/, { SERVICE: name });
    service = newGrpcService("interop.caller");
    await service.init();
    greeter = service.for(Greeter, { service: name });
  });
  after(async () => {
    await service.stop();
    await go[Symbol.asyncDispose]();
  });

  test(`unary, protobuf: ${column}`, async () => {
    const answer = await greeter.hello({ name: "John", fullName: "John Doe", count: -1 });
    assert.deepEqual([answer.name, answer.fullName, answer.count], ["Hello John", "John Doe", -1]);
  });

  test(`unary, JSON: ${column}`, async () => {
    const body = { name: "John", full_name: "John Doe" };
    const answer = await service.client.call({ service: name, endpoint: "Greeter.Hello", body });
    assert.deepEqual(answer, { name: "Hello John", full_name: "John Doe" });
  });

  test(`empty and 1 MiB bodies: ${column}`, async () => {
    assert.equal((await greeter.hello({})).name, "Hello ");
    const data = Buffer.alloc(1024 * 1024, 7);
    assert.ok(data.equals((await greeter.hello({ data })).data));
  });

  test(`64 calls in flight: ${column}`, async () => {
    const answers = await Promise.all(sixtyFour.map((count) => greeter.hello({ count })));
    assert.deepEqual(
      answers.map(({ count }) => count),
      sixtyFour,
    );
  });

  test(`error of a handler: ${column}`, () =>
    failsWith(() => greeter.fail({}), { id: "greeter.users", code: 404, detail: "no such user" }));

  test(`panic: ${column}`, () =>
    failsWith(() => greeter.panic({}), { code: 500, detail: "panic recovered: out of tea" }));

  test(`metadata: ${column}`, async () => {
    const metadata = { "X-Color": "red", "micro-trace": "größer" };
    assert.equal((await greeter.metadata({ name: "X-Color" }, { metadata })).name, "red");
    assert.equal((await greeter.metadata({ name: "Micro-Trace" }, { metadata })).name, "größer");
  });

  test(`timeout: ${column}`, () =>
    failsWith(() => greeter.sleep({ count: 60_000 }, { timeoutMs: 300, retries: 0 }), { code: 408 }));

  test(`deadline carried on: ${column}`, async () => {
    const { count } = await greeter.deadline({}, { timeoutMs: 15_000 });
    assert.ok(count > 0 && count <= 15_000, `${count} ms`);
  });

  test(`server stream: ${column}`, async () => {
    const counts = [];
    for await (const { count } of greeter.count({ count: 3 })) counts.push(count);
    assert.deepEqual(counts, [1, 2, 3]);
  });

  test(`stream both ways, its end told by the client: ${column}`, async () => {
    const names = [];
    for await (const { name } of greeter.chat([{ name: "a" }, { name: "b" }])) names.push(name);
    assert.deepEqual(names, ["Hello a", "Hello b"]);
  });

  test(`client stream: ${column}`, async () => {
    assert.equal((await greeter.total([{ count: 2 }, { count: 3 }])).count, 5);
  });

  test(`error within a stream: ${column}`, () =>
    failsWith(
      async () => {
        for await (const { name } of greeter.chat([{ name: "a" }, { name: "fail" }])) {
          assert.equal(name, "Hello a");
        }
      },
      { id: "greeter.chat", code: 409, detail: "enough" },
    ));

  test(`unknown service: ${column}`, () =>
    failsWith(() => service.client.call({ service: `${name}.nope`, endpoint: "Greeter.Hello" }), {
      id: "go.micro.client",
      code: 500,
      detail: `service ${name}.nope: not found`,
    }));

  test(`unknown endpoint and method: ${column}`, async () => {
    const call = (endpoint: string) => () => service.client.call({ service: name, endpoint, body: {} });
    await failsWith(call("Nope.Hello"), { code: 501, detail: "unknown service Nope" });
    await failsWith(call("Greeter.Nope"), { code: 501, detail: "unknown service Greeter.Nope" });
  });

  test(`found in the registry, with its endpoints: ${column}`, async () => {
    const [found] = await service.registry.getService(name);
    assert.equal(found?.nodes[0]?.metadata.protocol, "grpc");
    assert.ok(found?.endpoints.some((endpoint) => endpoint.name === "Greeter.Hello"));
  });
});

describe("a go-micro v2.9.1 client and our service", { skip: goServer.skip }, () => {
  const name = newName();
  const column = "go-micro v2.9.1 → ts-micro";
  let service: Service;
  before(async () => {
    service = newGrpcService(name);
    serveGreeter(service);
    await service.start();
  });
  after(() => service.stop());

  const call = (endpoint: string, ...more: Partial<GoCall>[]) =>
    goCall(Object.assign({ service: name, endpoint, requests: [{}] }, ...more));

  test(`unary, protobuf: ${column}`, async () => {
    const requests = [{ name: "John", fullName: "John Doe", count: -1 }];
    const { answers } = await call("Greeter.Hello", { requests });
    assert.deepEqual(answers, [{ name: "Hello John", fullName: "John Doe", count: -1 }]);
  });

  test(`unary, JSON: ${column}`, async () => {
    const asJson = { requests: [{ name: "John", fullName: "John Doe" }], contentType: "application/json" };
    assert.deepEqual((await call("Greeter.Hello", asJson)).answers, [
      { name: "Hello John", fullName: "John Doe" },
    ]);
  });

  test(`unary, JSON, a handler without a schema: ${column}`, async () => {
    const asJson = { requests: [{ name: "John" }], contentType: "application/json" };
    assert.deepEqual((await call("Plain.Hello", asJson)).answers, [{ name: "Hello John" }]);
  });

  test(`empty and 1 MiB bodies: ${column}`, async () => {
    assert.deepEqual((await call("Greeter.Hello")).answers, [{ name: "Hello " }]);
    const data = Buffer.alloc(1024 * 1024, 7).toString("base64");
    assert.deepEqual((await call("Greeter.Hello", { requests: [{ data }] })).answers, [
      { name: "Hello ", data },
    ]);
  });

  test(`64 calls in flight: ${column}`, async () => {
    const { answers, error } = await call("Greeter.Hello", { calls: 64, requests: [{ count: 5 }] });
    assert.equal(error, null);
    assert.equal(answers.length, 64);
  });

  test(`error of a handler: ${column}`, async () => {
    const { error } = await call("Greeter.Fail");
    assert.deepEqual(error, { id: "greeter.users", code: 404, detail: "no such user", status: "Not Found" });
  });

  test(`panic: ${column}`, async () => {
    const { error } = await call("Greeter.Panic");
    assert.deepEqual(error, { id: name, code: 500, detail: "out of tea", status: "Internal Server Error" });
  });

  test(`metadata: ${column}`, async () => {
    const metadata = { "X-Color": "red", "Micro-Trace": "größer" };
    assert.deepEqual(
      (await call("Greeter.Metadata", { metadata, requests: [{ name: "x-color" }] })).answers,
      [{ name: "red" }],
    );
    assert.deepEqual(
      (await call("Greeter.Metadata", { metadata, requests: [{ name: "Micro-Trace" }] })).answers,
      [{ name: "größer" }],
    );
  });

  test(`timeout: ${column} [N1]`, async () => {
    const { error } = await call("Greeter.Sleep", { timeout: "300ms", requests: [{ count: 60_000 }] });
    assert.ok(error?.code === 408 || error?.code === 500, JSON.stringify(error));
    assert.ok(/deadline exceeded/i.test(error.detail ?? ""), JSON.stringify(error));
  });

  test(`deadline carried on: ${column}`, async () => {
    const { answers } = await call("Greeter.Deadline", { timeout: "15s" });
    const [{ count } = { count: 0 }] = answers as { count: number }[];
    assert.ok(count > 0 && count <= 15_000, `${count} ms`);
  });

  test(`server stream: ${column}`, async () => {
    const { answers, text } = await call("Greeter.Count", { stream: true, requests: [{ count: 3 }] });
    assert.equal(text, "");
    assert.deepEqual(answers, [{ count: 1 }, { count: 2 }, { count: 3 }]);
  });

  test(`stream both ways, its end told by the client: ${column} [N2]`, async () => {
    const requests = [{ name: "a" }, { name: "b" }];
    const { answers, text } = await call("Greeter.Chat", { stream: true, expect: 2, requests });
    assert.equal(text, "");
    assert.deepEqual(answers, [{ name: "Hello a" }, { name: "Hello b" }]);
  });

  test(`error within a stream: ${column} [N3]`, async () => {
    const requests = [{ name: "a" }, { name: "fail" }];
    const { answers, error, text } = await call("Greeter.Chat", { stream: true, requests });
    assert.deepEqual(answers, [{ name: "Hello a" }]);
    assert.equal(error, null);
    const [, made] = /^rpc error: code = AlreadyExists desc = (.*)$/.exec(text) ?? [];
    assert.deepEqual(JSON.parse(made ?? text), {
      id: "greeter.chat",
      code: 409,
      detail: "enough",
      status: "Conflict",
    });
  });

  test(`unknown service: ${column}`, async () => {
    // The same error as ours.
    const { error } = await goCall({
      service: `${name}.nope`,
      unknown: true,
      endpoint: "Greeter.Hello",
      requests: [{}],
    });
    assert.equal(error?.code, 500);
    assert.equal(error.detail, `service ${name}.nope: not found`);
  });

  test(`unknown endpoint and method: ${column} [N4]`, async () => {
    const asInGo = (detail: string) => ({
      id: "go.micro.client",
      code: 500,
      detail,
      status: "Internal Server Error",
    });
    assert.deepEqual((await call("Nope.Hello")).error, asInGo("unknown service Nope"));
    assert.deepEqual((await call("Greeter.Nope")).error, asInGo("unknown service Greeter.Nope"));
  });
});

describe("over TLS", { skip: goServer.skip }, () => {
  // go-micro's gRPC server has two options for it, of which the second offers no protocol by ALPN.
  const waysOfGo: [string, Record<string, string>][] = [
    ["TLS", {}],
    ["TLS without ALPN", { TLS_OPTION: "server" }],
  ];
  for (const [way, option] of waysOfGo) {
    test(`${way}: ts-micro → go-micro v2.9.1`, async () => {
      const name = newName();
      const files = { TLS_CERT: pemFile("server"), TLS_KEY: pemFile("server-key") };
      const env = { SERVICE: name, ...files, ...option };
      await using _ = await serve(goServer.path, ["--server_address=127.0.0.1:0"], /listening on \S+/, env);
      await using service = newGrpcService("interop.caller", {
        client: (options) => newClient({ ...options, tls: { ca: certificate("ca") } }),
      });
      await service.init();
      const greeter = service.for(Greeter, { service: name });
      assert.equal((await greeter.hello({ name: "John" })).name, "Hello John");
      await failsWith(() => greeter.fail({}), { id: "greeter.users", code: 404, detail: "no such user" });
    });
  }

  test("TLS: go-micro v2.9.1 → ts-micro", async () => {
    const name = newName();
    await using service = newGrpcService(name, {
      server: (options) => newServer({ ...options, tls: tlsFixture("server") }),
    });
    serveGreeter(service);
    await service.start();
    const call = { service: name, endpoint: "Greeter.Hello", requests: [{ name: "John" }] };
    assert.deepEqual((await goCall(call, [], pemFile("ca"))).answers, [{ name: "Hello John" }]);
  });
});
