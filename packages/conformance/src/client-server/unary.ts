import assert from "node:assert/strict";
import type { Context } from "ts-micro";
import { newHandler } from "ts-micro/server";
import type { ClientServerBench } from "./bench.ts";

export function unaryTests(bench: ClientServerBench): void {
  bench.test("the answer is what the handler gives, at once or as a promise", async ({ serve, call }) => {
    await serve({
      AtOnce: (request: { name: string }) => ({ text: `Hello ${request.name}` }),
      Later: async (request: { name: string }) => {
        await new Promise(setImmediate);
        return { text: `Hello ${request.name}` };
      },
    });
    assert.deepEqual(await call("AtOnce", { name: "John" }), { text: "Hello John" });
    assert.deepEqual(await call("Later", { name: "Jane" }), { text: "Hello Jane" });
  });

  bench.test(
    "a call without a body reaches the handler, and an answer without one the caller",
    async (world) => {
      let calls = 0;
      await world.serve({
        Count: () => {
          calls++;
        },
      });
      await world.call("Count");
      await world.call("Count", {});
      assert.equal(calls, 2);
    },
  );

  bench.test("service and handlers are told apart by their names", async (world) => {
    const { service, create, serve, client } = world;
    await serve({ Name: () => "Test of the first" });
    const other = create({ name: `${service}.other` });
    other.handle(newHandler("Test", { Name: () => "Test of the other" }));
    other.handle(newHandler("Tester", { Name: () => "Tester of the other", Names: () => "several" }));
    await other.start();
    const caller = client();
    const names = [
      [service, "Test.Name"],
      [`${service}.other`, "Test.Name"],
      [`${service}.other`, "Tester.Name"],
      [`${service}.other`, "Tester.Names"],
    ];
    const answers = names.map(([to = "", endpoint = ""]) => caller.call({ service: to, endpoint }));
    assert.deepEqual(await Promise.all(answers), [
      "Test of the first",
      "Test of the other",
      "Tester of the other",
      "several",
    ]);
  });

  bench.test("the handler learns who calls", async ({ serve, call }) => {
    let peer: string | undefined;
    await serve({
      Who: (_request: unknown, context: Context) => {
        peer = context.peer.address;
        return {};
      },
    });
    await call("Who");
    assert.match(peer ?? "", bench.peer);
  });

  bench.test("an address can be called without a registry", async ({ serve, client, request, selector }) => {
    const { address } = await serve({ Name: () => "here" });
    const answer = await client().call({
      ...request("Name", { addresses: [address] }),
      service: "unregistered",
    });
    assert.equal(answer, "here");
    assert.deepEqual(selector.marks, []);
  });

  bench.test(
    "a handler that is added while the server runs can be called, and is registered",
    async (world) => {
      const { serve, client, service, registry } = world;
      const server = await serve({ Name: () => "first" });
      server.handle(newHandler("Later", { Name: () => "second" }));
      assert.equal(await client().call({ service, endpoint: "Later.Name" }), "second");
      // Until it is there, or the test is out of time.
      for (let names: string[] = []; !names.includes("Later.Name"); ) {
        const [record] = await registry.getService(service);
        names = (record?.endpoints ?? []).map(({ name }) => name);
        await new Promise(setImmediate);
      }
    },
  );
}
