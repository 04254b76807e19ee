import assert from "node:assert/strict";
import type { Strategy } from "ts-micro/selector";
import { candidates, record, type SelectorBench, selectFails, take } from "./bench.ts";

const three = ["a:1", "b:2", "c:3"];
/** The node whose address comes last. */
const last: Strategy = (_service, nodes) => [...nodes].sort((a, b) => (a.address < b.address ? 1 : -1))[0]!;

export function choosingTests(bench: SelectorBench): void {
  const { services, records } = bench.supports;

  bench.test("has a name", async ({ create }) => {
    assert.match(create().name, /^[a-z][a-z0-9_-]*$/);
  });

  bench.test("the nodes of a service are found, as they were registered", async (tools) => {
    const { create, place, service } = tools;
    await place(["a:1"]);
    for (let n = 0; n < 3; n++) {
      const node = (await create().select(service))();
      assert.equal(node.address, "a:1");
      if (records) assert.deepEqual(node, record(service, ["a:1"]).nodes[0]);
    }
  });

  bench.test("within a call each node is given once before any is given again", async (tools) => {
    await tools.place(three);
    const selector = tools.create();
    for (let round = 0; round < 50; round++) {
      const next = await selector.select(tools.service);
      for (let turn = 0; turn < 3; turn++) assert.deepEqual(take(next, 3).sort(), three);
    }
  });

  bench.test("each node gets some of the calls", async ({ create, place, service }) => {
    await place(three);
    const selector = create();
    const seen = new Set<string>();
    for (let call = 0; call < 500; call++) seen.add((await selector.select(service))().address);
    assert.deepEqual([...seen].sort(), three);
  });

  bench.test("the attempts of calls that run together don't take nodes from each other", async (tools) => {
    await tools.place(three);
    const selector = tools.create();
    const calls = await Promise.all(Array.from({ length: 20 }, () => selector.select(tools.service)));
    const taken: string[][] = calls.map(() => []);
    for (let attempt = 0; attempt < 3; attempt++) {
      for (const [n, next] of calls.entries()) taken[n]?.push(next().address);
    }
    for (const addresses of taken) assert.deepEqual(addresses.sort(), three);
  });

  bench.test("the strategy of the call goes before the selector's own", async (tools) => {
    await tools.place(three);
    const selector = tools.create({ strategy: last });
    const first: Strategy = (name, nodes) => nodes.find((node) => node !== last(name, nodes)) ?? nodes[0]!;
    for (let round = 0; round < 10; round++) {
      assert.deepEqual(take(await selector.select(tools.service), 3), [...three].reverse());
      const options = { strategy: first };
      assert.notEqual((await selector.select(tools.service, options))().address, "c:3");
    }
  });

  bench.test("a strategy is given the service and the nodes that are left, and never none", async (tools) => {
    await tools.place(three);
    const asked: [string, number][] = [];
    const strategy: Strategy = (name, nodes) => {
      asked.push([name, nodes.length]);
      return last(name, nodes);
    };
    take(await tools.create().select(tools.service, { strategy }), 4);
    assert.deepEqual(
      asked,
      [3, 2, 1, 3].map((count) => [tools.service, count]),
    );
  });

  if (services) {
    bench.test("a service that nobody registered is an error that names it", async (tools) => {
      const selector = tools.create();
      for (let round = 0; round < 2; round++) {
        const { detail } = await selectFails(selector, tools.service, "service-not-found");
        assert.match(detail, /not found/);
      }
    });

    bench.test("services are told apart", async ({ create, placeRecords, service }) => {
      const names = [service, `${service}.other`];
      for (const [n, name] of names.entries()) await placeRecords(name, [record(name, [`${"ab"[n]}:1`])]);
      const selector = create();
      for (let round = 0; round < 3; round++) {
        assert.deepEqual(await candidates(selector, service), ["a:1"]);
        assert.deepEqual(await candidates(selector, `${service}.other`), ["b:1"]);
      }
      await selectFails(selector, `${service}.othe`, "service-not-found");
    });
  }

  if (records) {
    bench.test("the nodes of all versions are meant", async ({ create, placeRecords, service }) => {
      const two = record(service, ["b:2", "c:3"], { version: "2.0.0" });
      await placeRecords(service, [record(service, ["a:1"]), two]);
      assert.deepEqual(await candidates(create(), service), three);
    });
  }

  bench.test("closing is ending, twice is once, and a late mark does no harm", async (tools) => {
    await tools.place(["a:1"]);
    const selector = tools.create();
    const next = await selector.select(tools.service);
    await Promise.all([selector.close(), selector.close()]);
    await selector.close();
    await selector[Symbol.asyncDispose]();
    selector.mark(tools.service, next());
    selector.reset(tools.service);
    await tools.create().close();
  });
}
