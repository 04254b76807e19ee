import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Store } from "ts-micro/store";
import { bytes, isNotFound, type StoreBench, textOf } from "./bench.ts";

export function expiryTests(bench: StoreBench): void {
  const shortMs = Math.max(50, 2 * bench.supports.ttlMs);

  bench.test("a record whose time is up is gone, from reading and from lists", async ({ create, other }) => {
    const store = create();
    await store.write({ key: "by record", value: bytes("v"), expiryMs: shortMs });
    await store.write({ key: "by option", value: bytes("v"), expiryMs: 600_000 }, { ttlMs: shortMs });
    await store.write({ key: "stays", value: bytes("v"), expiryMs: 600_000 });
    await store.write({ key: "stays too", value: bytes("v") });
    const reader = other(store);
    await gone(reader, "by record");
    await gone(reader, "by option");
    assert.deepEqual(await reader.list(), ["stays", "stays too"]);
    assert.deepEqual(await store.list({ offset: 1 }), ["stays too"]);
    const records = await store.read("", { prefix: true });
    assert.deepEqual(
      records.map(({ key }) => key),
      ["stays", "stays too"],
    );
  });

  bench.test("a record says what is left of its time", async ({ create, other }) => {
    const store = create();
    await store.write({ key: "k", value: bytes("v") }, { ttlMs: 600_000 });
    const [record] = await other(store).read("k");
    const left = record?.expiryMs ?? 0;
    assert.ok(left > 300_000 && left <= 600_000 + bench.supports.ttlMs, `${left} ms are left`);
    // Written back as it was read, it lives no longer.
    await store.write(record ?? assert.fail());
    const [again] = await store.read("k");
    assert.ok((again?.expiryMs ?? 0) <= left + bench.supports.ttlMs);
  });

  for (const [renewal, options] of [
    ["a longer time", { ttlMs: 600_000 }],
    ["none", { ttlMs: 0 }],
  ] as const) {
    bench.test(
      `a record that is written again with ${renewal} outlives its first end`,
      async ({ create }) => {
        const store = create();
        await store.write({ key: "renewed", value: bytes("v") }, { ttlMs: shortMs });
        await store.write({ key: "renewed", value: bytes("v"), expiryMs: shortMs }, options);
        // When this one has gone, the other one would have too.
        await store.write({ key: "marker", value: bytes("v") }, { ttlMs: shortMs });
        await gone(store, "marker");
        assert.equal(await textOf(store, "renewed"), "v");
        const [record] = await store.read("renewed");
        assert.equal(record?.expiryMs === undefined, options.ttlMs === 0);
      },
    );
  }

  bench.test("a record can be written again after its end, and deleted before it", async ({ create }) => {
    const store = create();
    await store.write({ key: "k", value: bytes("one"), metadata: { old: true } }, { ttlMs: shortMs });
    await gone(store, "k");
    await store.write({ key: "k", value: bytes("two") });
    const [record] = await store.read("k");
    assert.deepEqual([record?.metadata, record?.expiryMs], [{}, undefined]);
    await store.write({ key: "d", value: bytes("v") }, { ttlMs: 600_000 });
    await store.delete("d");
    await assert.rejects(store.read("d"), isNotFound);
    assert.deepEqual(await store.list(), ["k"]);
  });
}

/** Waits for a record's end; the test's own limit is the longest wait. */
async function gone(store: Store, key: string): Promise<void> {
  while ((await textOf(store, key)) !== undefined) await pause(5);
}
