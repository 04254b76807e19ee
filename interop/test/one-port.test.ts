/** Nothing chosen on our side: one port is called by all clients of Go, and one client calls all of its servers. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { newService, type Service } from "ts-micro";
import { failsWith } from "../src/fails-with.ts";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { startGoClient } from "../src/go-client.ts";
import { v2, v5 } from "../src/go-micro.ts";
import { newName } from "../src/new-name.ts";
import { type Running, serve } from "../src/program.ts";

const program = fileURLToPath(new URL("../src/greeter-program.js", import.meta.url));
/** The application whose dependencies join. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const notFound = { id: "greeter.users", code: 404, detail: "no such user" };
const rows = ["no flag", "grpc", "mucp"] as const;

for (const [go, byDefault] of [
  [v2, "grpc"],
  [v5, "mucp"],
] as const) {
  const flagsOf = (row: (typeof rows)[number], part: string) =>
    row === "no flag" ? [] : [`--${part}=${row}`];

  describe(`one client of ours: ${go.toGo}`, { skip: go.program("server").skip }, () => {
    let service: Service;
    before(async () => {
      service = newService({ name: "interop.caller", root, argv: [], env: {} });
      await service.init();
    });
    after(() => service.stop());

    for (const row of rows) {
      const flags = flagsOf(row, "server");
      test(`${flags[0] ?? row}: ${go.toGo}`, async () => {
        const name = newName();
        const own = [...flags, `--server_name=${name}`, "--server_address=127.0.0.1:0"];
        await using _ = await serve(go.program("server").path, own, /listening on \S+/, { SERVICE: name });
        const greeter = service.for(Greeter, { service: name, timeoutMs: 20_000 });
        const answer = await greeter.hello({ name: "John", fullName: "John Doe", count: -1 });
        assert.deepEqual([answer.name, answer.fullName, answer.count], ["Hello John", "John Doe", -1]);
        await failsWith(() => greeter.fail({}), notFound);
        const [found] = await service.registry.getService(name);
        assert.equal(found?.nodes[0]?.metadata.protocol, row === "no flag" ? byDefault : row);
      });
    }
  });

  describe(`one port of ours: ${go.fromGo}`, { skip: go.program("client").skip }, () => {
    const name = newName();
    let ours: Running;
    before(async () => {
      const ready = /server mucp also speaks grpc on \S+/;
      ours = await serve(process.execPath, [program], ready, { SERVICE: name });
    });
    after(() => ours[Symbol.asyncDispose]());

    for (const row of rows) {
      const flags = flagsOf(row, "client");
      test(`${flags[0] ?? row}: ${go.fromGo}`, async () => {
        await using client = await startGoClient(go.program("client"), flags);
        const call = { service: name, requests: [{ name: "John", fullName: "John Doe", count: 3 }] };
        const { answers } = await client.call({ ...call, endpoint: "Greeter.Hello" });
        assert.deepEqual(answers, [{ name: "Hello John", fullName: "John Doe", count: 3 }]);
        const { error } = await client.call({ ...call, endpoint: "Greeter.Fail" });
        assert.deepEqual(error, { ...notFound, status: "Not Found" });
        const counted = await client.call({ ...call, endpoint: "Greeter.Count", stream: true });
        assert.deepEqual(counted.answers, [{ count: 1 }, { count: 2 }, { count: 3 }]);
        // HealthResponse and the greeting have a text in their first field.
        const contentType = "application/protobuf";
        const health = await client.call({ ...call, endpoint: "Debug.Health", contentType });
        assert.deepEqual(health.answers, [{ name: "ok" }]);
      });
    }
  });
}
