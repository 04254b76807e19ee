/** gRPC, which go-micro's modern line speaks with `--server=grpc` and `--client=grpc`. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { newClient } from "@ts-micro/client-grpc";
import { certificate, tlsFixture } from "@ts-micro/conformance";
import { newServer } from "@ts-micro/server-grpc";
import { newService, type Service, type ServiceOptions } from "ts-micro";
import { failsWith } from "../src/fails-with.ts";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { type GoClient, startGoClient } from "../src/go-client.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { pemFile } from "../src/pem-file.ts";
import { type Running, serve } from "../src/program.ts";
import { serveGreeter } from "../src/v2/greeter.ts";
import { callsFromGo, type OurService } from "../src/v5/calls-from-go.ts";
import { callsToGo, type GoService, goServiceSeenBy } from "../src/v5/calls-to-go.ts";
import { type Deviations, forEachRow, type Rows } from "../src/v5/rows.ts";

const goServer = goProgram("v5", "server");
const goClient = goProgram("v5", "client");
const [toGo, fromGo] = ["ts-micro → Go", "Go → ts-micro"];
const codecs = { protobuf: "application/grpc+proto", JSON: "application/json" };

function newGrpcService(name: string, parts: Pick<ServiceOptions, "client" | "server"> = {}): Service {
  const argv = ["--server_address=127.0.0.1:0", "--client_request_timeout=20s"];
  return newService({
    name,
    client: "grpc",
    server: "grpc",
    ...parts,
    argv,
    env: { MICRO_LOG_LEVEL: "fatal" },
  });
}

function serveGo(name: string, env: Record<string, string> = {}): Promise<Running> {
  const flags = ["--server=grpc", `--server_name=${name}`, "--server_address=127.0.0.1:0"];
  return serve(goServer.path, flags, /listening on \S+/, { SERVICE: name, ...env });
}

const rowsToGo: Rows<GoService> = {
  ...callsToGo,
  async "unknown endpoint and method"({ caller, name }) {
    const call = (endpoint: string) => () => caller.client.call({ service: name, endpoint, body: {} });
    await failsWith(call("Nope.Hello"), { code: 501, detail: "unknown service Nope" });
    await failsWith(call("Greeter.Nope"), { code: 501, detail: "unknown service Greeter.Nope" });
  },
};

const rowsFromGo: Rows<OurService> = {
  ...callsFromGo,
  async "unknown endpoint and method"({ call }) {
    const error = (detail: string) => ({
      id: "go.micro.client",
      code: 501,
      detail,
      status: "Not Implemented",
    });
    assert.deepEqual((await call("Nope.Hello")).error, error("unknown service Nope"));
    assert.deepEqual((await call("Greeter.Nope")).error, error("unknown service Greeter.Nope"));
  },
};

const goService: Deviations<GoService> = {
  metadata: [
    "V6",
    async ({ greeter }) => {
      const metadata = { "X-Color": "red", "X-Shade": "größer" };
      assert.equal((await greeter.metadata({ name: "x-color" }, { metadata })).name, "red");
      assert.equal((await greeter.metadata({ name: "x-shade" }, { metadata })).name, "größer");
      assert.equal((await greeter.metadata({ name: "X-Color" }, { metadata })).name, "");
    },
  ],
};

const goCaller: Deviations<OurService> = {
  metadata: [
    "V7",
    async ({ call }) => {
      const about = (key: string, value: string) =>
        call("Greeter.Metadata", { metadata: { [key]: value }, requests: [{ name: key }] });
      assert.deepEqual((await about("X-Color", "red")).answers, [{ name: "red" }]);
      const { error } = await about("X-Shade", "größer");
      assert.match(
        error?.detail ?? "",
        /header key "x-shade" contains value with non-printable ASCII characters/,
      );
    },
  ],

  "error within a stream": [
    "V8",
    async ({ call }) => {
      const requests = [{ name: "a" }, { name: "fail" }];
      const { answers, error, text } = await call("Greeter.Chat", { stream: true, requests });
      assert.deepEqual(answers, [{ name: "Hello a" }]);
      assert.equal(error, null);
      const [, made] = /^rpc error: code = AlreadyExists desc = (.*)$/.exec(text) ?? [];
      const expected = { id: "greeter.chat", code: 409, detail: "enough", status: "Conflict" };
      assert.deepEqual(JSON.parse(made ?? text), expected);
    },
  ],
};

describe("our client and a Go service", { skip: goServer.skip }, () => {
  const name = newName();
  let go: Running;
  let caller: Service;
  before(async () => {
    go = await serveGo(name);
    caller = newGrpcService("interop.caller");
    await caller.init();
  });
  after(async () => {
    await caller.stop();
    await go[Symbol.asyncDispose]();
  });

  for (const [codec, contentType] of Object.entries(codecs)) {
    forEachRow(rowsToGo, goService, `${toGo}, ${codec}`, (title, run) =>
      test(title, () => run(goServiceSeenBy(caller, name, { contentType }))),
    );
  }
});

describe("a Go client and our service", { skip: goClient.skip }, () => {
  const name = newName();
  let go: GoClient;
  let service: Service;
  before(async () => {
    service = newGrpcService(name);
    serveGreeter(service);
    await service.start();
    go = await startGoClient(goClient, ["--client=grpc"]);
  });
  after(async () => {
    await go[Symbol.asyncDispose]();
    await service.stop();
  });

  for (const [codec, contentType] of Object.entries(codecs)) {
    forEachRow(rowsFromGo, goCaller, `${fromGo}, ${codec}`, (title, run) =>
      test(title, () =>
        run({ name, call: (endpoint, more) => go.call({ service: name, endpoint, contentType, ...more }) }),
      ),
    );
  }
});

describe("over TLS", { skip: goServer.skip || goClient.skip }, () => {
  test(`TLS: ${toGo}, protobuf`, async () => {
    const name = newName();
    await using _ = await serveGo(name, { TLS_CERT: pemFile("server"), TLS_KEY: pemFile("server-key") });
    await using caller = newGrpcService("interop.caller", {
      client: (options) => newClient({ ...options, tls: { ca: certificate("ca") } }),
    });
    await caller.init();
    const greeter = caller.for(Greeter, { service: name });
    assert.equal((await greeter.hello({ name: "John" })).name, "Hello John");
    await failsWith(() => greeter.fail({}), { id: "greeter.users", code: 404, detail: "no such user" });
  });

  test(`TLS: ${fromGo}, protobuf`, async () => {
    const name = newName();
    await using service = newGrpcService(name, {
      server: (options) => newServer({ ...options, tls: tlsFixture("server") }),
    });
    serveGreeter(service);
    await service.start();
    await using go = await startGoClient(goClient, ["--client=grpc"], { TLS_CA: pemFile("ca") });
    const call = { service: name, endpoint: "Greeter.Hello", requests: [{ name: "John" }] };
    assert.deepEqual((await go.call(call)).answers, [{ name: "Hello John" }]);
  });
});
