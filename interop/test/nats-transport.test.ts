/** Calls through NATS, of mucp as JSON, between ts-micro and go-micro, v2 with its plugin and the modern line. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { newService, type Service } from "ts-micro";
import { type GoCall, startGoClient } from "../src/go-client.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { serve } from "../src/program.ts";
import { goCall } from "../src/v2/go-client.ts";
import { serveGreeter } from "../src/v2/greeter.ts";

for (const [module, column] of [
  ["v2", "go-micro v2.9.1"],
  ["v5", "go-micro v5.12.0"],
] as const) {
  const [goServer, goClient] = [goProgram(module, "server"), goProgram(module, "client")];

  describe(`through NATS, with ${column}`, {
    skip: goServer.skip || goClient.skip || nats().skip,
    timeout: 120_000,
  }, () => {
    let server: ServerProcess;
    let flags: string[];
    before(async () => {
      server = await startNats();
      const { address } = server;
      flags = [
        "--registry=nats",
        `--registry_address=${address}`,
        "--transport=nats",
        `--transport_address=${address}`,
      ];
    });
    after(() => server[Symbol.asyncDispose]());

    async function ours(name: string): Promise<Service> {
      const argv = [...flags, "--client=mucp", "--server=mucp", "--client_request_timeout=20s"];
      const service = newService({ name, argv, env: { MICRO_LOG_LEVEL: "error" } });
      await service.init();
      return service;
    }

    async function callGo(call: GoCall & { requests: object[] }): Promise<object[]> {
      const mucp = [...flags, "--client=mucp"];
      if (module === "v2") return (await goCall(call, mucp)).answers;
      await using client = await startGoClient(goClient, mucp);
      return (await client.call(call)).answers;
    }

    test(`found and called, by subjects: ts-micro → ${column}`, async () => {
      const name = newName();
      const own = ["--server=mucp", `--server_name=${name}`];
      await using _ = await serve(goServer.path, [...flags, ...own], /listening on \S+/, { SERVICE: name });
      const service = await ours(`${name}-caller`);
      try {
        for (const who of ["John", "Mary"]) {
          const call = { service: name, endpoint: "Greeter.Hello", body: { name: who } };
          const { name: text } = await service.client.call<{ name: string }>(call);
          assert.equal(text, `Hello ${who}`);
        }
      } finally {
        await service.stop();
      }
    });

    test(`found and called, by subjects: ${column} → ts-micro`, async () => {
      const name = newName();
      const service = await ours(name);
      serveGreeter(service);
      await service.start();
      try {
        const requests = [{ name: "John" }];
        const call = { service: name, endpoint: "Greeter.Hello", requests, contentType: "application/json" };
        assert.deepEqual(await callGo(call), [{ name: "Hello John" }]);
      } finally {
        await service.stop();
      }
    });
  });
}
