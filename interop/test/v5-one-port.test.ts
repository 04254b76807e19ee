/**
 * Nothing chosen on our side: one port is called by both clients of go-micro's modern line, and one client calls both
 * of its servers. What it speaks without a flag is mucp.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { newService, type Service } from "ts-micro";
import { failsWith } from "../src/fails-with.ts";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { startGoClient } from "../src/go-client.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { type Running, serve } from "../src/program.ts";

const goServer = goProgram("v5", "server");
const goClient = goProgram("v5", "client");
const program = fileURLToPath(new URL("../src/v2/greeter-program.js", import.meta.url));
/** The application whose dependencies join. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const notFound = { id: "greeter.users", code: 404, detail: "no such user" };

describe("one client of ours and both servers of Go", { skip: goServer.skip }, () => {
  let service: Service;
  before(async () => {
    service = newService({ name: "interop.caller", root, argv: [], env: {} });
    await service.init();
  });
  after(() => service.stop());

  for (const [row, protocol, choice] of [
    ["no flag", "mucp", []],
    ["--server=grpc", "grpc", ["--server=grpc"]],
  ] as const) {
    test(`${row}: ts-micro → Go`, async () => {
      const name = newName();
      const flags = [...choice, `--server_name=${name}`, "--server_address=127.0.0.1:0"];
      await using _ = await serve(goServer.path, flags, /listening on \S+/, { SERVICE: name });
      const greeter = service.for(Greeter, { service: name, timeoutMs: 20_000 });
      const answer = await greeter.hello({ name: "John", fullName: "John Doe", count: -1 });
      assert.deepEqual([answer.name, answer.fullName, answer.count], ["Hello John", "John Doe", -1]);
      await failsWith(() => greeter.fail({}), notFound);
      const [found] = await service.registry.getService(name);
      assert.equal(found?.nodes[0]?.metadata.protocol, protocol);
    });
  }
});

describe("both clients of Go and one port of ours", { skip: goClient.skip }, () => {
  const name = newName();
  let ours: Running;
  before(async () => {
    ours = await serve(process.execPath, [program], /server mucp also speaks grpc on \S+/, { SERVICE: name });
  });
  after(() => ours[Symbol.asyncDispose]());

  for (const [row, flags] of [
    ["no flag", []],
    ["--client=grpc", ["--client=grpc"]],
  ] as const) {
    test(`${row}: Go → ts-micro`, async () => {
      await using go = await startGoClient(goClient, flags);
      const call = { service: name, requests: [{ name: "John", fullName: "John Doe", count: 3 }] };
      const { answers } = await go.call({ ...call, endpoint: "Greeter.Hello" });
      assert.deepEqual(answers, [{ name: "Hello John", fullName: "John Doe", count: 3 }]);
      const { error } = await go.call({ ...call, endpoint: "Greeter.Fail" });
      assert.deepEqual(error, { ...notFound, status: "Not Found" });
      const counted = await go.call({ ...call, endpoint: "Greeter.Count", stream: true });
      assert.deepEqual(counted.answers, [{ count: 1 }, { count: 2 }, { count: 3 }]);
    });
  }
});
