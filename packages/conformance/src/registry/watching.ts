import assert from "node:assert/strict";
import { changes, type RegistryBench } from "./bench.ts";

export function watchTests(bench: RegistryBench): void {
  bench.test(
    "a watcher sees a node come, change and go, in order, each once",
    async ({ create, service }) => {
      const registry = create();
      const greeter = service(["a"]);
      const watcher = await create().watch({ service: greeter.name });
      await registry.register(greeter);
      assert.deepEqual(await changes(watcher, 1), ["create 1.0.0 a"]);
      // Nothing changed, so nothing is told.
      await registry.register(greeter);
      const nodes = greeter.nodes.map((node) => ({ ...node, metadata: { ...node.metadata, boot: "2" } }));
      await registry.register({ ...greeter, nodes });
      assert.deepEqual(await changes(watcher, 1), ["update 1.0.0 a"]);
      await registry.register({ ...greeter, nodes, endpoints: [] });
      assert.deepEqual(await changes(watcher, 1), ["update 1.0.0 a"]);
      await registry.deregister(greeter);
      assert.deepEqual(await changes(watcher, 1), ["delete 1.0.0 a"]);
      await registry.register(greeter);
      assert.deepEqual(await changes(watcher, 1), ["create 1.0.0 a"]);
    },
  );

  bench.test("what is told of a change is the whole record", async ({ create, service }) => {
    const greeter = service(["a"]);
    const watcher = await create().watch({ service: greeter.name });
    await create().register(greeter);
    for await (const { service } of watcher) {
      assert.deepEqual([service.endpoints, service.nodes], [greeter.endpoints, greeter.nodes]);
      break;
    }
  });

  bench.test("what is told is nobody else's", async ({ create, service }) => {
    const greeter = service(["a"]);
    const registry = create();
    const watchers = [
      await registry.watch({ service: greeter.name }),
      await registry.watch({ service: greeter.name }),
    ];
    await registry.register(greeter);
    for (const watcher of watchers) {
      const { value } = await watcher[Symbol.asyncIterator]().next();
      assert.deepEqual(value.service.nodes, greeter.nodes);
      for (const node of value.service.nodes) node.metadata.changed = "later";
    }
    const [found] = await registry.getService(greeter.name);
    assert.deepEqual(found?.nodes, greeter.nodes);
  });

  bench.test("nothing is lost from the moment the watch is there", async ({ create, service }) => {
    const registry = create();
    const ids = Array.from({ length: 50 }, (_, index) => String(index).padStart(2, "0"));
    const greeter = service(ids);
    const watcher = await create().watch({ service: greeter.name });
    for (const node of greeter.nodes) await registry.register({ ...greeter, nodes: [node] });
    assert.deepEqual(
      await changes(watcher, ids.length),
      ids.map((id) => `create 1.0.0 ${id}`),
    );
  });

  bench.test("a watcher of one service hears nothing of others", async ({ create, service }) => {
    const registry = create();
    const [watched, other] = [service(["a"]), service(["b"])];
    const watcher = await create().watch({ service: watched.name });
    await registry.register(other);
    await registry.register(watched);
    assert.deepEqual(await changes(watcher, 1), ["create 1.0.0 a"]);
  });

  if (bench.supports.watchesAll) {
    bench.test("a watcher of everything hears of every service", async ({ create, service }) => {
      const registry = create();
      const services = [service(["a"]), service(["b"])];
      const watcher = await create().watch();
      for (const each of services) await registry.register(each);
      const missing = new Set(services.map(({ name }) => name));
      for await (const { service } of watcher) {
        missing.delete(service.name);
        if (missing.size === 0) break;
      }
    });
  }

  bench.test("several watchers hear the same", async ({ create, service }) => {
    const greeter = service(["a"]);
    const registry = create();
    const shared = create();
    const watchers = await Promise.all(
      [shared, shared, create()].map((each) => each.watch({ service: greeter.name })),
    );
    await registry.register(greeter);
    for (const watcher of watchers) assert.deepEqual(await changes(watcher, 1), ["create 1.0.0 a"]);
  });

  bench.test("closing a watcher ends its iteration, also one that waits, and others go on", async (tools) => {
    const { create, service } = tools;
    const greeter = service(["a"]);
    const registry = create();
    const [closed, open] = [await registry.watch(), await registry.watch({ service: greeter.name })];
    const waiting = closed[Symbol.asyncIterator]().next();
    await closed.close();
    await closed.close();
    assert.equal((await waiting).done, true);
    for await (const _ of closed) assert.fail("a closed watcher told of a change");
    const full = await registry.watch({ service: greeter.name });
    await registry.register(greeter);
    assert.deepEqual(await changes(open, 1), ["create 1.0.0 a"]);
    assert.deepEqual(await changes(full, 1), ["create 1.0.0 a"]);
    await registry.deregister(greeter);
    assert.deepEqual(await changes(open, 1), ["delete 1.0.0 a"]);
    await full.close();
    for await (const _ of full) assert.fail("a closed watcher told of what had come before");
  });

  bench.test("a signal ends a watcher without an error, also one that came too early", async ({ create }) => {
    const registry = create();
    const controller = new AbortController();
    const watcher = await registry.watch({ signal: controller.signal });
    const waiting = watcher[Symbol.asyncIterator]().next();
    controller.abort();
    assert.equal((await waiting).done, true);
    const late = await registry.watch({ signal: controller.signal });
    assert.equal((await late[Symbol.asyncIterator]().next()).done, true);
  });

  bench.test("closing the registry ends its watchers without an error", async ({ create }) => {
    const registry = create();
    const watcher = await registry.watch();
    const waiting = watcher[Symbol.asyncIterator]().next();
    await registry.close();
    assert.equal((await waiting).done, true);
  });

  bench.test("leaving the loop ends the watcher", async ({ create, service }) => {
    const registry = create();
    const greeter = service(["a"]);
    const watcher = await registry.watch({ service: greeter.name });
    await registry.register(greeter);
    for await (const _ of watcher) break;
    assert.equal((await watcher[Symbol.asyncIterator]().next()).done, true);
  });
}
