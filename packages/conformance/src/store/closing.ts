import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import { bytes, type StoreBench, textOf } from "./bench.ts";

export function closingTests(bench: StoreBench): void {
  bench.test("connecting twice is once, and nobody has to", async ({ create }) => {
    const store = create();
    await Promise.all([store.connect(), store.connect()]);
    await store.connect();
    await store.write({ key: "k", value: bytes("v") });
    assert.equal(await textOf(store, "k"), "v");
  });

  bench.test("closing waits for what is under way; after it everything is refused", async ({ create }) => {
    const store = create();
    const writes = Array.from({ length: 100 }, (_, n) => store.write({ key: `k${n}`, value: bytes("v") }));
    const reading = store.list();
    await Promise.all([store.close(), store.close()]);
    await store.close();
    // An operation that was called before is done, not refused.
    await Promise.all([...writes, reading]);
    for (const attempt of [
      () => store.connect(),
      () => store.read("k"),
      () => store.read("k", { prefix: true }),
      () => store.write({ key: "k", value: bytes("v") }),
      () => store.delete("k"),
      () => store.list(),
    ]) {
      await assert.rejects(
        async () => attempt(),
        (error) => MicroError.is(error) && error.code === 503 && error.reason === "closed",
        String(attempt),
      );
    }
  });

  bench.test("a store that was never used can be closed, and dispose is close", async ({ create }) => {
    await create().close();
    const store = create();
    await store[Symbol.asyncDispose]();
    await assert.rejects(store.connect(), (error) => MicroError.is(error) && error.reason === "closed");
  });

  if (bench.supports.survivesClose) {
    bench.test("records stay when their store is closed", async ({ create }) => {
      const store = create();
      await store.write({ key: "k", value: bytes("v"), metadata: { n: 1 } }, { ttlMs: 600_000 });
      await store.write({ key: "deleted", value: bytes("v") });
      await store.delete("deleted");
      await store.close();
      const again = create();
      const [record] = await again.read("k");
      assert.deepEqual([Buffer.from(record?.value ?? []).toString(), record?.metadata], ["v", { n: 1 }]);
      assert.ok((record?.expiryMs ?? 0) > 0);
      assert.deepEqual(await again.list(), ["k"]);
    });
  } else {
    bench.test("records are gone with the last store that was used", async ({ create }) => {
      const [one, two] = [create(), create()];
      await one.write({ key: "k", value: bytes("v") });
      await two.connect();
      await one.close();
      assert.equal(await textOf(two, "k"), "v");
      const three = create();
      assert.equal(await textOf(three, "k"), "v");
      await Promise.all([two.close(), three.close()]);
      assert.equal(await textOf(create(), "k"), undefined);
    });
  }
}
