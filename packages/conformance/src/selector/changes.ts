import assert from "node:assert/strict";
import { newInbox } from "../inbox.ts";
import { candidates, type SelectorBench, selectFails, take } from "./bench.ts";

export function changeTests(bench: SelectorBench): void {
  const { services, changes, observes } = bench.supports;
  if (!changes) return;

  bench.test("nodes that come are used, and those that go no longer", async (tools) => {
    const { create, place, comesToKnow, service } = tools;
    await place(["a:1"]);
    const selector = create();
    await comesToKnow(selector, ["a:1"]);
    const steps = [["a:1", "b:2"], ["b:2"], ["c:3"], ["a:1", "b:2", "c:3"]];
    for (const addresses of steps) {
      await place(addresses);
      await comesToKnow(selector, addresses);
      assert.deepEqual(take(await selector.select(service), addresses.length).sort(), addresses);
    }
  });

  bench.test("a call that has begun goes on with the nodes it began with", async (tools) => {
    const { create, place, comesToKnow, service } = tools;
    await place(["a:1", "b:2"]);
    const selector = create();
    const next = await selector.select(service);
    const first = take(next, 1);
    await place(["c:3"]);
    await comesToKnow(selector, ["c:3"]);
    assert.deepEqual([...first, ...take(next, 1)].sort(), ["a:1", "b:2"]);
  });

  if (services) {
    bench.test("a service that comes late is found, and one that went is not", async (tools) => {
      const { create, place, comesToKnow, service } = tools;
      const selector = create();
      await selectFails(selector, service, "service-not-found");
      await place(["a:1"]);
      await comesToKnow(selector, ["a:1"]);
      await place([]);
      await comesToKnow(selector, []);
      await selectFails(selector, service, "service-not-found");
      await place(["b:2"]);
      await comesToKnow(selector, ["b:2"]);
    });
  }

  if (!observes) return;

  bench.test("observers hear which nodes are left, until they end it", async (tools) => {
    const { create, place, comesToKnow, service } = tools;
    await place(["a:1"]);
    const selector = create();
    await comesToKnow(selector, ["a:1"]);
    const heard = newInbox<string>();
    const also = newInbox<string>();
    const hear = (inbox: typeof heard) =>
      selector.observe?.((name, nodes) => inbox.add([name, ...nodes.map(({ address }) => address)].join()));
    const ends = [hear(heard), hear(also)];
    await place(["a:1", "b:2"]);
    await comesToKnow(selector, ["a:1", "b:2"]);
    await place(["b:2"]);
    await comesToKnow(selector, ["b:2"]);
    const both = [`${service},a:1,b:2`, `${service},b:2`];
    assert.deepEqual(await heard.until(2), both);
    ends[0]?.();
    ends[0]?.();
    await place(["b:2", "c:3"]);
    await comesToKnow(selector, ["b:2", "c:3"]);
    assert.deepEqual(await also.until(3), [...both, `${service},b:2,c:3`]);
    assert.deepEqual(heard.items, both);
  });

  bench.test("who observes hears nothing as long as nothing changes", async (tools) => {
    const { create, place, comesToKnow, service } = tools;
    await place(["a:1"]);
    const selector = create();
    await comesToKnow(selector, ["a:1"]);
    const heard = newInbox<string>();
    selector.observe?.((_service, nodes) => heard.add(nodes.map(({ address }) => address).join()));
    await place(["a:1"]);
    for (let call = 0; call < 20; call++) assert.deepEqual(await candidates(selector, service), ["a:1"]);
    await place(["a:1", "b:2"]);
    await comesToKnow(selector, ["a:1", "b:2"]);
    assert.equal((await heard.until(1))[0], "a:1,b:2");
  });
}
