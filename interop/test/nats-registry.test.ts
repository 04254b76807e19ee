/** Services of ts-micro and of go-micro, v2 with its plugin and the modern line, that find each other by NATS. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-nats";
import { newService, type Service } from "ts-micro";
import type { Service as ServiceRecord } from "ts-micro/registry";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { type GoCall, startGoClient } from "../src/go-client.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { run, serve } from "../src/program.ts";
import { goCall } from "../src/v2/go-client.ts";
import { serveGreeter } from "../src/v2/greeter.ts";

for (const [module, column] of [
  ["v2", "go-micro v2.9.1"],
  ["v5", "go-micro v5.12.0"],
] as const) {
  const [goServer, goClient, goRegistry] = [
    goProgram(module, "server"),
    goProgram(module, "client"),
    goProgram(module, "registry"),
  ];
  const skip = goServer.skip || goClient.skip || goRegistry.skip || nats().skip;

  describe(`on NATS, with ${column}`, { skip, timeout: 120_000 }, () => {
    let server: ServerProcess;
    let flags: string[];
    before(async () => {
      server = await startNats();
      flags = ["--registry=nats", `--registry_address=${server.address}`];
    });
    after(() => server[Symbol.asyncDispose]());

    function serveGo(name: string) {
      const own = ["--server=grpc", `--server_name=${name}`, "--server_address=127.0.0.1:0"];
      return serve(goServer.path, [...flags, ...own], /listening on \S+/, { SERVICE: name });
    }

    async function callGo(call: GoCall & { requests: object[] }): Promise<object[]> {
      const grpc = [...flags, "--client=grpc"];
      if (module === "v2") return (await goCall(call, grpc)).answers;
      await using client = await startGoClient(goClient, grpc);
      return (await client.call(call)).answers;
    }

    function newGrpcService(name: string): Service {
      const argv = [...flags, "--server_address=127.0.0.1:0", "--client_request_timeout=20s"];
      return newService({ name, client: "grpc", server: "grpc", argv, env: { MICRO_LOG_LEVEL: "error" } });
    }

    test(`found and called: ts-micro → ${column}`, async () => {
      const name = newName();
      await using _ = await serveGo(name);
      const service = newGrpcService(`${name}-caller`);
      await service.init();
      try {
        const { name: text } = await service.for(Greeter, { service: name }).hello({ name: "John" });
        assert.equal(text, "Hello John");
      } finally {
        await service.stop();
      }
    });

    test(`found and called: ${column} → ts-micro`, async () => {
      const name = newName();
      const service = newGrpcService(name);
      serveGreeter(service);
      await service.init();
      await service.start();
      try {
        const requests = [{ name: "John" }];
        const answers = await callGo({ service: name, endpoint: "Greeter.Hello", requests });
        assert.deepEqual(answers, [{ name: "Hello John" }]);
      } finally {
        await service.stop();
      }
    });

    test(`told when it comes: ts-micro → ${column}`, async () => {
      const name = newName();
      await using registry = newRegistry({ addresses: [server.address] });
      const watcher = await registry.watch({ service: name });
      await using _ = await serveGo(name);
      for await (const { action, service } of watcher) {
        assert.deepEqual([action, service.name, service.nodes.length], ["create", name, 1]);
        break;
      }
    });

    test(`told when it comes and goes, and listed: ${column} → ts-micro`, async () => {
      const name = newName();
      await using registry = newRegistry({ addresses: [server.address] });
      const ours: ServiceRecord = {
        name,
        version: "1",
        metadata: {},
        endpoints: [],
        nodes: [{ id: `${name}-1`, address: "10.0.0.1:8000", metadata: { protocol: "mucp" } }],
      };
      await using watching = await serve(goRegistry.path, ["watch", ...flags], /^watching$/m, {
        SERVICE: name,
      });
      const told = () =>
        watching
          .printed()
          .stdout.split("\n")
          .filter((line) => line.includes(name));
      // Its "watching" says nothing of the server: what comes before that knows is not told.
      while (told().length === 0) {
        await registry.register(ours);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.match(told()[0] ?? "", /"create"/);
      const got = await run(goRegistry.path, ["get", ...flags], "", { SERVICE: name });
      assert.match(got.stdout, new RegExp(`"${name}-1"`), got.stderr);
      const listed = await run(goRegistry.path, ["list", ...flags]);
      assert.match(listed.stdout, new RegExp(`"${name}"`), listed.stderr);
      await registry.deregister(ours);
      while (!told().some((line) => line.includes('"delete"'))) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const gone = await run(goRegistry.path, ["get", ...flags], "", { SERVICE: name });
      assert.doesNotMatch(gone.stdout, new RegExp(`"${name}-1"`));
    });
  });
}
