import assert from "node:assert/strict";
import { MicroError, serviceUnavailable } from "ts-micro";
import type { Registry, Watcher } from "ts-micro/registry";
import { newGate } from "../inbox.ts";
import { candidates, type SelectorBench } from "./bench.ts";

/** How a selector treats the registry it asks. */
export function askingTests(bench: SelectorBench): void {
  bench.test("nothing is asked before something is selected", async ({ create, registry }) => {
    const asked: string[] = [];
    const refuse = (what: string) => async (): Promise<never> => {
      asked.push(what);
      throw serviceUnavailable("test", what);
    };
    const alert = { ...registry, getService: refuse("getService"), watch: refuse("watch") };
    const selector = create({ parts: { registry: alert } });
    selector.observe?.(() => {});
    selector.reset("greeter");
    await new Promise(setImmediate);
    await selector.close();
    assert.deepEqual(asked, []);
  });

  bench.test("the registry is asked for each time, so that it can be replaced", async (tools) => {
    const { create, place, registry, service } = tools;
    const empty: Registry = { ...registry, getService: async () => [] };
    const parts: { registry: Registry } = { registry: empty };
    const selector = create({ parts });
    await place(["a:1"]);
    await assert.rejects(async () => selector.select(service), { reason: "service-not-found" });
    parts.registry = registry;
    assert.deepEqual(await candidates(selector, service), ["a:1"]);
    parts.registry = empty;
    await assert.rejects(async () => selector.select(service), { reason: "service-not-found" });
  });

  bench.test("a registry that can't be asked is named as the cause", async (tools) => {
    const { create, place, registry, service } = tools;
    const refuse = async (): Promise<never> => {
      throw serviceUnavailable("go.micro.registry", "no registry today");
    };
    const parts: { registry: Registry } = { registry: { ...registry, getService: refuse } };
    const selector = create({ parts });
    for (let round = 0; round < 2; round++) {
      await assert.rejects(
        async () => selector.select(service),
        (error) => {
          assert.ok(MicroError.is(error) && error.code === 500);
          assert.match(error.detail, /no registry today/);
          assert.ok(error.detail.includes(service));
          return true;
        },
      );
    }
    await place(["a:1"]);
    parts.registry = registry;
    assert.deepEqual(await candidates(selector, service), ["a:1"]);
  });

  bench.test("a look-up is limited by the time and the signal of the call", async (tools) => {
    const { create, place, registry, service } = tools;
    await place(["a:1"]);
    const gate = newGate();
    const getService: Registry["getService"] = async (name) => {
      await gate.passed;
      return registry.getService(name);
    };
    const selector = create({ parts: { registry: { ...registry, getService } } });
    const stop = new AbortController();
    const patient = Promise.resolve(selector.select(service));
    const inTime = { code: 408, reason: "timeout" };
    const cancelled = { code: 499, reason: "cancelled" };
    await assert.rejects(async () => selector.select(service, { timeoutMs: 20 }), inTime);
    const { signal } = stop;
    const stopped = assert.rejects(async () => selector.select(service, { signal }), cancelled);
    stop.abort();
    await stopped;
    await assert.rejects(async () => selector.select(service, { signal }), cancelled);
    gate.open();
    assert.equal((await patient)().address, "a:1", "the others go on waiting");
  });

  bench.test("closing ends the watchers and leaves the registry open", async (tools) => {
    const { create, place, registry, service } = tools;
    const watchers: Watcher[] = [];
    const begun = newGate();
    const close = async (): Promise<void> => assert.fail("the registry is its owner's");
    const watch: Registry["watch"] = async (options) => {
      const watcher = await registry.watch(options);
      watchers.push(watcher);
      begun.open();
      return watcher;
    };
    await place(["a:1"]);
    const selector = create({ parts: { registry: { ...registry, watch, close } } });
    await selector.select(service);
    await begun.passed;
    await selector.close();
    // A watcher that isn't closed waits here until the test is out of time.
    for (const watcher of watchers) {
      assert.equal((await watcher[Symbol.asyncIterator]().next()).done, true);
    }
  });

  bench.test("a watch that is there only after the close is ended too", async (tools) => {
    const { create, place, registry, service } = tools;
    const asked = newGate();
    const late = newGate();
    const given = newGate();
    const watchers: Watcher[] = [];
    const watch: Registry["watch"] = async (options) => {
      asked.open();
      await late.passed;
      const watcher = await registry.watch(options);
      watchers.push(watcher);
      given.open();
      return watcher;
    };
    await place(["a:1"]);
    const selector = create({ parts: { registry: { ...registry, watch } } });
    await selector.select(service);
    await asked.passed;
    const closed = selector.close();
    late.open();
    await Promise.all([closed, given.passed]);
    for (const watcher of watchers) {
      assert.equal((await watcher[Symbol.asyncIterator]().next()).done, true);
    }
  });
}
