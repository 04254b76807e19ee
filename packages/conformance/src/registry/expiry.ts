import assert from "node:assert/strict";
import { changes, type RegistryBench, summary } from "./bench.ts";

export function expiryTests(bench: RegistryBench): void {
  const { ttlMs } = bench.supports;
  if (ttlMs === undefined) return;

  bench.test("a node that isn't registered again in time goes, and watchers are told", async (tools) => {
    const { create, service, finds } = tools;
    const registry = create();
    const greeter = service(["lapsing", "staying"]);
    const [lapsing, staying] = greeter.nodes.map((node) => ({ ...greeter, nodes: [node] }));
    assert.ok(lapsing && staying);
    const watcher = await create().watch({ service: greeter.name });
    await registry.register(staying, { ttlMs: 600_000 });
    await registry.register(lapsing, { ttlMs });
    assert.deepEqual(await changes(watcher, 3), [
      "create 1.0.0 staying",
      "create 1.0.0 lapsing",
      "delete 1.0.0 lapsing",
    ]);
    await finds(greeter.name, (services) => summary(services) === "1.0.0 staying");
  });

  for (const [renewal, options] of [
    ["a longer TTL", { ttlMs: 600_000 }],
    ["no TTL", undefined],
  ] as const) {
    bench.test(`a node that is registered again with ${renewal} outlives its first TTL`, async (tools) => {
      const { create, service, finds } = tools;
      const registry = create();
      for (let firstMs = ttlMs; ; firstMs *= 2) {
        const greeter = service(["marker", "renewed"]);
        const [marker, renewed] = greeter.nodes.map((node) => ({ ...greeter, nodes: [node] }));
        assert.ok(marker && renewed);
        const watcher = await create().watch({ service: greeter.name });
        const beganAt = performance.now();
        await registry.register(renewed, { ttlMs: firstMs });
        await registry.register(renewed, options);
        // Where there is so much else to do, the first TTL may have passed before the second came.
        if (performance.now() - beganAt >= firstMs) continue;
        // When this one has gone, the other one would have too.
        await registry.register(marker, { ttlMs: firstMs });
        assert.deepEqual(await changes(watcher, 3), [
          "create 1.0.0 renewed",
          "create 1.0.0 marker",
          "delete 1.0.0 marker",
        ]);
        await finds(greeter.name, (services) => summary(services) === "1.0.0 renewed");
        return;
      }
    });
  }
}
