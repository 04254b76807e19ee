import assert from "node:assert/strict";
import { MicroError, serviceUnavailable } from "ts-micro";
import type { Node } from "ts-micro/registry";
import type { Selector } from "ts-micro/selector";
import { candidates, type SelectorBench, type SelectorTools, take } from "./bench.ts";

const refused = serviceUnavailable("go.micro.client", "refused", { reason: "connection-failed" });
const slow = new MicroError({ code: 408, reason: "timeout" });

export function avoidanceTests(bench: SelectorBench): void {
  bench.test("reports about nodes and services that nobody knows do no harm", async (tools) => {
    await tools.place(["a:1", "b:2"]);
    const selector = tools.create();
    const stranger: Node = { id: "nobody", address: "nowhere:1", metadata: {} };
    for (const error of [undefined, refused, slow]) {
      selector.mark(tools.service, stranger, error);
      selector.mark("nobody", stranger, error);
      selector.reset("nobody");
    }
    assert.deepEqual(await candidates(selector, tools.service), ["a:1", "b:2"]);
  });

  if (!bench.supports.avoidance) return;

  bench.test("a node that can't be reached is left alone while there are others", async (tools) => {
    const { selector, service, a, b } = await pair(tools);
    selector.mark(service, a, refused);
    for (let round = 0; round < 20; round++) {
      assert.equal((await selector.select(service))().address, "b:2");
    }
    // Within one call it is still better than a node that this call has tried.
    assert.deepEqual(take(await selector.select(service), 2), ["b:2", "a:1"]);
    // Any is better than none.
    selector.mark(service, b, refused);
    assert.deepEqual(await candidates(selector, service), ["a:1", "b:2"]);
    selector.mark(service, a);
    assert.deepEqual(await candidates(selector, service), ["a:1"]);
  });

  bench.test(
    "after a while one call tries it, and when that goes well it is as good as any",
    async (tools) => {
      const { clock } = tools;
      const { selector, service, a, known } = await pair(tools);
      selector.mark(service, a, refused);
      clock.now += 740;
      assert.deepEqual(await known(), ["b:2"]);
      clock.now += 270;
      assert.deepEqual(await known(), ["a:1", "b:2"]);
      await probe(selector, service, "a:1");
      assert.deepEqual(await known(), ["b:2"], "the others wait for what comes of it");
      selector.mark(service, a);
      for (let round = 0; round < 3; round++) assert.deepEqual(await known(), ["a:1", "b:2"]);
    },
  );

  bench.test("each further failure doubles the time, up to the longest", async (tools) => {
    const { clock } = tools;
    const { selector, service, a, known } = await pair(tools);
    const fail = async (waitMs: number): Promise<void> => {
      selector.mark(service, a, refused);
      // A quarter of it is left to chance, lest all clients come back at once.
      clock.now += 0.75 * waitMs - 1;
      assert.deepEqual(await known(), ["b:2"], `too early after ${waitMs} ms`);
      clock.now += 0.25 * waitMs + 2;
      assert.deepEqual(await known(), ["a:1", "b:2"], `still avoided after ${waitMs} ms`);
      await probe(selector, service, "a:1");
    };
    for (const waitMs of [1_000, 2_000, 4_000, 4_000, 4_000]) await fail(waitMs);
    selector.mark(service, a);
    await fail(1_000);
  });

  bench.test("calls that fail together count once", async (tools) => {
    const { selector, service, a, known } = await pair(tools);
    for (let call = 0; call < 100; call++) selector.mark(service, a, refused);
    tools.clock.now += 1_001;
    assert.deepEqual(await known(), ["a:1", "b:2"]);
  });

  bench.test("only what speaks against the node makes it avoided", async (tools) => {
    const { selector, service, a, known } = await pair(tools);
    const against = [
      refused,
      new MicroError({ code: 503, reason: "connection-lost" }),
      new MicroError({ code: 503, reason: "draining" }),
      new MicroError({ code: 503, id: "greeter", detail: "busy" }),
    ];
    const harmless = [
      undefined,
      new MicroError({ code: 500, id: "greeter", detail: "failed" }),
      new MicroError({ code: 404, id: "greeter" }),
      new MicroError({ code: 499, reason: "cancelled" }),
      new MicroError({ code: 413, reason: "too-large" }),
      slow,
    ];
    for (const error of harmless) {
      selector.mark(service, a, error);
      assert.deepEqual(await known(), ["a:1", "b:2"], String(error));
    }
    for (const error of against) {
      selector.mark(service, a, error);
      assert.deepEqual(await known(), ["b:2"], String(error));
      selector.reset(service);
      assert.deepEqual(await known(), ["a:1", "b:2"], "what was learnt is forgotten");
    }
  });

  bench.test("a node that lets three calls in a row run into their limit is avoided", async (tools) => {
    const { selector, service, a, known } = await pair(tools);
    for (const error of [slow, slow, undefined, slow, slow]) {
      selector.mark(service, a, error);
      assert.deepEqual(await known(), ["a:1", "b:2"]);
    }
    selector.mark(service, a, slow);
    assert.deepEqual(await known(), ["b:2"]);
  });

  bench.test("what is learnt of one service says nothing of another", async (tools) => {
    const { selector, service, a, known } = await pair(tools);
    selector.mark(`${service}.other`, a, refused);
    assert.deepEqual(await known(), ["a:1", "b:2"]);
    selector.mark(service, a, refused);
    selector.reset(`${service}.other`);
    assert.deepEqual(await known(), ["b:2"]);
  });

  if (bench.supports.changes && bench.supports.records) {
    bench.test("a node that is registered anew is used at once, the others are not", async (tools) => {
      const { place, comesToKnow } = tools;
      const { selector, service, a, b } = await pair(tools);
      for (const node of [a, b]) selector.mark(service, node, refused);
      const again = [{ ...a, metadata: { ...a.metadata, started: "again" } }, b];
      const third = { ...b, id: `${b.id}3`, address: "c:3" };
      await place(["a:1", "b:2", "c:3"], { nodes: [...again, third] });
      await comesToKnow(selector, ["a:1", "c:3"]);
    });
  }
}

/** A selector that knows the nodes `a:1` and `b:2`. */
async function pair({ create, place, service }: SelectorTools) {
  await place(["a:1", "b:2"]);
  const selector = create();
  const next = await selector.select(service);
  const [a, b] = [next(), next()].sort((one, other) => (one.address < other.address ? -1 : 1));
  assert.ok(a !== undefined && b !== undefined);
  return { selector, service, a, b, known: () => candidates(selector, service) };
}

/** Uses the node that is in doubt, as one call does. */
async function probe(selector: Selector, service: string, address: string): Promise<void> {
  const next = await selector.select(service, {
    strategy: (_service, nodes) => nodes.find((node) => node.address === address) ?? nodes[0]!,
  });
  assert.equal(next().address, address);
}
