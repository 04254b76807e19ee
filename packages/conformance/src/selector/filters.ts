import assert from "node:assert/strict";
import { conflict, MicroError } from "ts-micro";
import {
  type Filter,
  filterEndpoint,
  filterLabel,
  filterProtocol,
  filterVersion,
  pure,
} from "ts-micro/selector";
import { candidates, record, type SelectorBench, selectFails, take } from "./bench.ts";

export function filterTests(bench: SelectorBench): void {
  const { filters, records, changes } = bench.supports;

  if (!records) {
    bench.test("a node of which only the address is known may be tried by every client", async (tools) => {
      await tools.place(["a:1"]);
      const options = { filters: [filterProtocol(["pigeon"])] };
      assert.equal((await tools.create().select(tools.service, options))().address, "a:1");
    });
  }

  if (!filters) return;

  bench.test("a filter narrows this call and no other", async ({ create, place, service }) => {
    await place(["a:1", "b:2", "c:3"]);
    const selector = create();
    for (let round = 0; round < 10; round++) {
      const next = await selector.select(service, { filters: [without("a:1")] });
      assert.deepEqual(take(next, 4).sort(), ["b:2", "b:2", "c:3", "c:3"]);
      assert.deepEqual(await candidates(selector, service), ["a:1", "b:2", "c:3"]);
    }
  });

  bench.test("several filters narrow one after the other", async ({ create, place, service }) => {
    await place(["a:1", "b:2", "c:3"]);
    const selector = create();
    const counts: number[] = [];
    const counting: Filter = (services) => {
      counts.push(services.flatMap(({ nodes }) => nodes).length);
      return services;
    };
    const filters = [counting, without("a:1"), counting, without("c:3"), counting];
    assert.deepEqual(await candidates(selector, service, { filters }), ["b:2"]);
    assert.deepEqual(counts, [3, 2, 1]);
  });

  bench.test("filters that leave nothing are an error", async ({ create, place, service }) => {
    await place(["a:1"]);
    const selector = create();
    const leavesNothing: Filter[] = [() => [], without("a:1")];
    for (const filter of leavesNothing) {
      const { detail } = await selectFails(selector, service, "no-node-available", { filters: [filter] });
      assert.match(detail, /none available/);
    }
    assert.deepEqual(await candidates(selector, service), ["a:1"]);
  });

  bench.test("what a filter throws says why nothing is left", async ({ create, place, service }) => {
    await place(["a:1"]);
    const selector = create();
    const thrown = conflict("filter", "not on Sundays");
    const throwing = (error: unknown) => async () =>
      selector.select(service, {
        filters: [
          () => {
            throw error;
          },
        ],
      });
    for (let round = 0; round < 2; round++) {
      await assert.rejects(throwing(thrown), (error) => error === thrown);
      await assert.rejects(throwing(new Error("out of order")), (error) => {
        assert.ok(MicroError.is(error) && error.code === 500);
        assert.match(error.detail, /out of order/);
        assert.ok(error.detail.includes(service));
        return true;
      });
    }
  });

  if (records) {
    bench.test("filters by version, endpoint, label and protocol", async (tools) => {
      const { create, placeRecords, service } = tools;
      const one = record(service, ["a:1", "b:2"]);
      for (const [n, { metadata }] of one.nodes.entries()) metadata.zone = "xy"[n] ?? "";
      const bye = { name: "Greeter.Bye", request: null, response: null, metadata: {} };
      const two = record(service, ["c:3"], { version: "2.0.0", endpoints: [...one.endpoints, bye] });
      for (const { metadata } of two.nodes) Object.assign(metadata, { protocol: "grpc", zone: "x" });
      await placeRecords(service, [one, two]);
      const selector = create();
      const left = (...filters: Filter[]) => candidates(selector, service, { filters });
      assert.deepEqual(await left(filterVersion("1.0.0")), ["a:1", "b:2"]);
      assert.deepEqual(await left(filterVersion("2.0.0")), ["c:3"]);
      assert.deepEqual(await left(filterEndpoint("Greeter.Bye")), ["c:3"]);
      assert.deepEqual(await left(filterLabel("zone", "x")), ["a:1", "c:3"]);
      assert.deepEqual(await left(filterLabel("zone", "x"), filterVersion("1.0.0")), ["a:1"]);
      assert.deepEqual(await left(filterProtocol(["mucp"])), ["a:1", "b:2"]);
      await selectFails(selector, service, "no-node-available", { filters: [filterVersion("3.0.0")] });
      const filters = [filterProtocol(["pigeon"])];
      const { detail } = await selectFails(selector, service, "protocol-not-spoken", { filters });
      assert.match(detail, /--client=grpc/);
    });
  }

  if (changes) {
    bench.test("a filter is asked again when the nodes have changed", async (tools) => {
      const { create, place, comesToKnow, service } = tools;
      await place(["a:1", "b:2"]);
      const selector = create();
      const filters = [pure(without("a:1"))];
      assert.deepEqual(await candidates(selector, service, { filters }), ["b:2"]);
      await place(["a:1", "c:3"]);
      await comesToKnow(selector, ["a:1", "c:3"]);
      assert.deepEqual(await candidates(selector, service, { filters }), ["c:3"]);
    });
  }
}

function without(address: string): Filter {
  return (services) =>
    services.map((service) => ({
      ...service,
      nodes: service.nodes.filter((node) => node.address !== address),
    }));
}
