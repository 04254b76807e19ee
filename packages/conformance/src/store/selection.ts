import assert from "node:assert/strict";
import type { Store, StoreReadOptions } from "ts-micro/store";
import { bytes, fill, type StoreBench } from "./bench.ts";

/** In the order of their UTF-8 bytes, which for the last two is not that of UTF-16. */
const keys = [
  "a",
  "a%b",
  "a.b",
  "a/1",
  "a/10",
  "a/2",
  "a/2/x",
  "a_b",
  "b",
  "b/1",
  "b\\c",
  "ж",
  "\uffee",
  "😀",
];

export function selectionTests(bench: StoreBench): void {
  bench.test("all keys are listed in the order of their bytes", async ({ create, other }) => {
    const store = create();
    await fill(store, keys.toReversed());
    assert.deepEqual(await other(store).list(), keys);
    assert.deepEqual(await keysOf(store, "", { prefix: true }), keys);
  });

  bench.test("nothing found is an empty list", async ({ create }) => {
    const store = create();
    assert.deepEqual(await store.list(), []);
    await store.write({ key: "k", value: bytes("v") });
    assert.deepEqual(await store.list({ prefix: "x" }), []);
    assert.deepEqual(await store.list({ suffix: "x" }), []);
    assert.deepEqual(await store.read("x", { prefix: true }), []);
    assert.deepEqual(await store.read("x", { suffix: true }), []);
  });

  bench.test("prefix and suffix mean their letters and no pattern", async ({ create }) => {
    const store = create();
    const odd = ["100%", "100a", "a_b", "axb", "a\\b", "a*", "ab", "a?", "[a]", "a>", "a.>", "'", "a;--"];
    await fill(store, odd);
    for (const part of ["100%", "a_", "a\\", "a*", "a?", "[a", "a>", "a.", "'", "a;"]) {
      const expected = odd.filter((key) => key.startsWith(part)).toSorted();
      assert.deepEqual(await store.list({ prefix: part }), expected, `prefix ${part}`);
      assert.deepEqual(await keysOf(store, part, { prefix: true }), expected, `read ${part}`);
    }
    for (const part of ["%", "_b", "\\b", "*", "?", "a]", ">", "'", ";--", "b"]) {
      const expected = odd.filter((key) => key.endsWith(part)).toSorted();
      assert.deepEqual(await store.list({ suffix: part }), expected, `suffix ${part}`);
      assert.deepEqual(await keysOf(store, part, { suffix: true }), expected, `read ${part}`);
    }
  });

  bench.test("prefix and suffix together mean both", async ({ create }) => {
    const store = create();
    await fill(store, ["x", "xx", "xax", "xa", "ax", "a"]);
    assert.deepEqual(await store.list({ prefix: "x", suffix: "a" }), ["xa"]);
    assert.deepEqual(await keysOf(store, "x", { prefix: true, suffix: true }), ["x", "xax", "xx"]);
  });

  bench.test("offset and limit cut what was filtered and sorted", async ({ create, other }) => {
    const store = create();
    await fill(store, keys);
    const under = ["a/1", "a/10", "a/2", "a/2/x"];
    for (const reader of [store, other(store)]) {
      for (const [page, expected] of [
        [{ limit: 2 }, under.slice(0, 2)],
        [{ offset: 1 }, under.slice(1)],
        [{ offset: 1, limit: 2 }, under.slice(1, 3)],
        [{ offset: 3, limit: 5 }, under.slice(3)],
        [{ offset: 4 }, []],
        [{ offset: 1_000_000, limit: 1 }, []],
        [{ limit: 0, offset: 0 }, under],
      ] as const) {
        const words = JSON.stringify(page);
        assert.deepEqual(await reader.list({ prefix: "a/", ...page }), expected, `list ${words}`);
        assert.deepEqual(await keysOf(reader, "a/", { prefix: true, ...page }), expected, `read ${words}`);
      }
      assert.deepEqual(await reader.list({ suffix: "b", offset: 1, limit: 1 }), ["a.b"]);
      assert.deepEqual(await keysOf(reader, "b", { suffix: true, offset: 2 }), ["a_b", "b"]);
      assert.deepEqual(await reader.list({ offset: keys.length - 1 }), ["😀"]);
    }
  });

  bench.test("a page of records has their values, metadata and ends", async ({ create }) => {
    const store = create();
    await store.write({ key: "p1", value: bytes("one"), metadata: { n: 1 } }, { ttlMs: 600_000 });
    await store.write({ key: "p2", value: bytes("two"), metadata: { n: 2 } });
    const records = await store.read("p", { prefix: true });
    assert.deepEqual(
      records.map(({ key, value, metadata }) => [key, Buffer.from(value).toString(), metadata]),
      [
        ["p1", "one", { n: 1 }],
        ["p2", "two", { n: 2 }],
      ],
    );
    assert.ok((records[0]?.expiryMs ?? 0) > 0);
    assert.equal(records[1]?.expiryMs, undefined);
  });
}

async function keysOf(store: Store, key: string, options: StoreReadOptions): Promise<string[]> {
  const records = await store.read(key, options);
  for (const record of records) assert.equal(Buffer.from(record.value).toString(), record.key);
  return records.map((record) => record.key);
}
