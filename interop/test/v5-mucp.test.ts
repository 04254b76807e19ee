/** mucp over HTTP, the default of go-micro's modern line, in all the codecs that it has for messages. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { certificate, tlsFixture } from "@ts-micro/conformance";
import { MicroError, newService, type Service, type ServiceOptions } from "ts-micro";
import { failsWith } from "../src/fails-with.ts";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { type GoClient, startGoClient } from "../src/go-client.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { pemFile } from "../src/pem-file.ts";
import { type Running, serve } from "../src/program.ts";
import { codecs } from "../src/v2/codecs.ts";
import { serveGreeter } from "../src/v2/greeter.ts";
import { callsFromGo, type OurService } from "../src/v5/calls-from-go.ts";
import { callsToGo, type GoService, goServiceSeenBy } from "../src/v5/calls-to-go.ts";
import { type Deviations, forEachRow, type Rows } from "../src/v5/rows.ts";

const goServer = goProgram("v5", "server");
const goClient = goProgram("v5", "client");
const [toGo, fromGo] = ["ts-micro → Go", "Go → ts-micro"];
const mucp = [
  "--client=mucp",
  "--server=mucp",
  "--server_address=127.0.0.1:0",
  "--client_request_timeout=20s",
];

function newMucpService(name: string, partOptions: ServiceOptions["partOptions"] = {}): Service {
  return newService({ name, argv: mucp, env: { MICRO_LOG_LEVEL: "fatal" }, partOptions });
}

function serveGo(name: string, env: Record<string, string> = {}): Promise<Running> {
  return serve(goServer.path, ["--server_address=127.0.0.1:0"], /listening on \S+/, {
    SERVICE: name,
    ...env,
  });
}

const rowsToGo: Rows<GoService> = {
  ...callsToGo,
  // go-micro has no errors.Error for these.
  async "unknown endpoint and method"({ caller, name, options }) {
    const call = (endpoint: string) => () => caller.client.call({ ...options, service: name, endpoint });
    await failsWith(call("Nope.Hello"), { id: "", code: 0, detail: "rpc: can't find service Nope" });
    await failsWith(call("Greeter.Nope"), { id: "", code: 0, detail: "rpc: can't find method Nope" });
  },
};

const rowsFromGo: Rows<OurService> = {
  ...callsFromGo,
  async "unknown endpoint and method"({ call }) {
    assert.equal((await call("Nope.Hello")).text, "rpc: can't find service Nope");
    assert.equal((await call("Greeter.Nope")).text, "rpc: can't find method Nope");
  },
};

const goService: Deviations<GoService> = {
  panic: ["V1", ({ greeter }) => failsWith(() => greeter.panic({}, { timeoutMs: 1_000 }), { code: 408 })],

  "server stream": [
    "V2",
    async ({ greeter }) => {
      const counts: number[] = [];
      try {
        for await (const { count } of greeter.count({ count: 3 })) counts.push(count);
      } catch (thrown) {
        // In json-rpc and proto-rpc the end of the stream has a body, which may be written over an answer.
        assert.ok(MicroError.is(thrown) && /is lost|claims/.test(thrown.detail), String(thrown));
        return;
      }
      assert.equal(counts.length, 3);
      assert.ok(
        counts.every((count, index) => count >= index + 1 && count <= 3),
        `${counts}`,
      );
    },
  ],

  "its end told by the client": [
    "V3",
    ({ greeter }) =>
      failsWith(
        async () => {
          for await (const _ of greeter.chat([], { timeoutMs: 1_000 })) assert.fail("an answer came");
        },
        { code: 408 },
      ),
  ],
};

const goCaller: Deviations<OurService> = {
  "deadline carried on": [
    "V4",
    async ({ call }) => {
      const { answers } = await call("Greeter.Deadline", { timeout: "15s" });
      const [{ count } = { count: 0 }] = answers as { count: number }[];
      assert.ok(count > 0 && count <= 5_000, `${count} ms`);
    },
  ],

  "client stream": [
    "V5",
    async ({ call }) => {
      const requests = [{ count: 1 }, { count: 2 }];
      const { text } = await call("Greeter.Total", { stream: true, closeSend: true, requests });
      assert.equal(text, "streamer not implemented");
    },
  ],
};

describe("our client and a Go service", { skip: goServer.skip }, () => {
  const name = newName();
  let go: Running;
  let caller: Service;
  before(async () => {
    go = await serveGo(name);
    caller = newMucpService("interop.caller");
    await caller.init();
  });
  after(async () => {
    await caller.stop();
    await go[Symbol.asyncDispose]();
  });

  for (const [codec, contentType] of codecs) {
    forEachRow(rowsToGo, goService, `${toGo}, ${codec}`, (title, run) =>
      test(title, () => run(goServiceSeenBy(caller, name, { contentType }))),
    );
  }

  test(`unary, no schema: ${toGo}, JSON`, async () => {
    const call = { service: name, endpoint: "Plain.Hello", body: { name: "John" } };
    assert.deepEqual(await caller.client.call(call), { name: "Hello John" });
  });
});

describe("a Go client and our service", { skip: goClient.skip }, () => {
  const name = newName();
  let go: GoClient;
  let service: Service;
  before(async () => {
    service = newMucpService(name);
    serveGreeter(service);
    await service.start();
    go = await startGoClient(goClient);
  });
  after(async () => {
    await go[Symbol.asyncDispose]();
    await service.stop();
  });

  for (const [codec, contentType] of codecs) {
    forEachRow(rowsFromGo, goCaller, `${fromGo}, ${codec}`, (title, run) =>
      test(title, () =>
        run({ name, call: (endpoint, more) => go.call({ service: name, endpoint, contentType, ...more }) }),
      ),
    );
  }

  test(`unary, no schema: ${fromGo}, JSON`, async () => {
    const { answers } = await go.call({
      service: name,
      endpoint: "Plain.Hello",
      requests: [{ name: "John" }],
    });
    assert.deepEqual(answers, [{ name: "Hello John" }]);
  });
});

describe("over TLS", { skip: goServer.skip || goClient.skip }, () => {
  test(`TLS: ${toGo}, JSON`, async () => {
    const name = newName();
    await using _ = await serveGo(name, { TLS_CERT: pemFile("server"), TLS_KEY: pemFile("server-key") });
    await using caller = newMucpService("interop.caller", { transport: { tls: { ca: certificate("ca") } } });
    await caller.init();
    const greeter = caller.for(Greeter, { service: name });
    assert.equal((await greeter.hello({ name: "John" })).name, "Hello John");
    await failsWith(() => greeter.fail({}), { id: "greeter.users", code: 404, detail: "no such user" });
  });

  test(`TLS: ${fromGo}, JSON`, async () => {
    const name = newName();
    await using service = newMucpService(name, { transport: { tls: tlsFixture("server") } });
    serveGreeter(service);
    await service.start();
    await using go = await startGoClient(goClient, [], { TLS_CA: pemFile("ca") });
    const call = { service: name, endpoint: "Greeter.Hello", requests: [{ name: "John" }] };
    assert.deepEqual((await go.call(call)).answers, [{ name: "Hello John" }]);
  });
});
