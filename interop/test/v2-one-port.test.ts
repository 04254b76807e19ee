/**
 * Nothing chosen on our side: one port is called by go-micro v2.9.1's gRPC client and by its mucp client, and one client
 * calls its gRPC server and its mucp server.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { newService, type Service } from "ts-micro";
import { failsWith } from "../src/fails-with.ts";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { type Running, serve } from "../src/program.ts";
import { goCall } from "../src/v2/go-client.ts";

const goServer = goProgram("v2", "server");
const program = fileURLToPath(new URL("../src/v2/greeter-program.js", import.meta.url));
/** The application whose dependencies join. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const protocols = ["grpc", "mucp"] as const;

describe("one client of ours and both servers of Go", { skip: goServer.skip }, () => {
  const column = "ts-micro → go-micro v2.9.1";
  let service: Service;
  before(async () => {
    service = newService({ name: "interop.caller", root, argv: [], env: {} });
    await service.init();
  });
  after(() => service.stop());

  for (const protocol of protocols) {
    test(`--server=${protocol}: ${column}`, async () => {
      const name = newName();
      const flags = [`--server=${protocol}`, `--server_name=${name}`, "--server_address=127.0.0.1:0"];
      await using _ = await serve(goServer.path, flags, /listening on \S+/, { SERVICE: name });
      const [found] = await service.registry.getService(name);
      assert.equal(found?.nodes[0]?.metadata.protocol, protocol);
      const greeter = service.for(Greeter, { service: name, timeoutMs: 20_000 });
      const answer = await greeter.hello({ name: "John", fullName: "John Doe", count: -1 });
      assert.deepEqual([answer.name, answer.fullName, answer.count], ["Hello John", "John Doe", -1]);
      await failsWith(() => greeter.fail({}), { id: "greeter.users", code: 404, detail: "no such user" });
    });
  }
});

describe("both clients of Go and one port of ours", { skip: goServer.skip }, () => {
  const column = "go-micro v2.9.1 → ts-micro";
  const name = newName();
  let ours: Running;
  before(async () => {
    ours = await serve(process.execPath, [program], /server mucp also speaks grpc on \S+/, { SERVICE: name });
  });
  after(() => ours[Symbol.asyncDispose]());

  for (const client of protocols) {
    test(`--client=${client}: ${column}`, async () => {
      const flags = [`--client=${client}`];
      const of = { service: name, requests: [{ name: "John", fullName: "John Doe", count: 3 }] };
      const { answers } = await goCall({ ...of, endpoint: "Greeter.Hello" }, flags);
      assert.deepEqual(answers, [{ name: "Hello John", fullName: "John Doe", count: 3 }]);
      const failed = await goCall({ ...of, endpoint: "Greeter.Fail" }, flags);
      // The mucp client leaves the error as text, in JSON (errors.Parse is the caller's).
      const error = failed.error ?? JSON.parse(failed.text);
      assert.deepEqual(error, {
        id: "greeter.users",
        code: 404,
        detail: "no such user",
        status: "Not Found",
      });
      const counted = await goCall({ ...of, endpoint: "Greeter.Count", stream: true }, flags);
      assert.deepEqual(counted.answers, [{ count: 1 }, { count: 2 }, { count: 3 }]);
      // HealthResponse and the greeting have a text in their first field.
      const health = await goCall({ ...of, endpoint: "Debug.Health" }, flags);
      assert.deepEqual(health.answers, [{ name: "ok" }]);
    });
  }
});
