import assert from "node:assert/strict";
import { bytes, isNotFound, type StoreBench, textOf } from "./bench.ts";

export function placeTests(bench: StoreBench): void {
  bench.test("tables and databases know nothing of each other", async ({ create, table }) => {
    const store = create();
    const places = [
      {},
      { table: `${table}2` },
      { table: `${table}/x` },
      { database: `${table}-d` },
      { database: `${table}-d`, table: `${table}2` },
      { database: `${table}-d/${table}`, table: "2" },
      { database: "Å/..\\%", table: `${table}:*` },
      { table: table.toUpperCase() },
    ];
    for (const [index, place] of places.entries()) {
      await store.write({ key: "k", value: bytes(`value ${index}`) }, place);
      await store.write({ key: `only ${index}`, value: bytes("v") }, place);
    }
    for (const [index, place] of places.entries()) {
      assert.equal(await textOf(store, "k", place), `value ${index}`);
      assert.deepEqual(await store.list(place), ["k", `only ${index}`]);
      assert.equal((await store.read("", { prefix: true, ...place })).length, 2);
    }
    await store.delete("k", places[1]);
    await assert.rejects(store.read("k", places[1]), isNotFound);
    for (const [index, place] of places.entries()) {
      if (index !== 1) assert.equal(await textOf(store, "k", place), `value ${index}`);
    }
  });

  bench.test("the store's options name the place of what doesn't name one", async ({ create, table }) => {
    const store = create();
    await store.write({ key: "k", value: bytes("here") });
    assert.equal(await textOf(store, "k", { table }), "here");
    assert.equal(await textOf(store, "k", { database: "micro", table }), "here");
    const elsewhere = create({ database: `${table}-d`, table: `${table}-t` });
    assert.equal(await textOf(elsewhere, "k"), undefined);
    await elsewhere.write({ key: "k", value: bytes("there") });
    assert.equal(await textOf(elsewhere, "k", { database: `${table}-d` }), "there");
    assert.equal(await textOf(store, "k"), "here");
  });
}
