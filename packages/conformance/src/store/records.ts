import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { bytes, isBadRequest, isNotFound, type StoreBench, textOf } from "./bench.ts";

export function recordTests(bench: StoreBench): void {
  const { supports } = bench;

  bench.test("a written record is read with everything it has, by whoever looks", async (tools) => {
    const store = tools.create();
    const metadata = {
      text: "ключ 😀",
      number: 1.5,
      none: null,
      list: [true, "<a&b>"],
      below: { deep: "x" },
    };
    await store.write({ key: "user/1", value: bytes("John"), metadata });
    for (const reader of [store, tools.other(store)]) {
      const [record, ...more] = await reader.read("user/1");
      assert.ok(record);
      assert.deepEqual(more, []);
      assert.equal(record.key, "user/1");
      assert.ok(record.value instanceof Uint8Array);
      assert.equal(Buffer.from(record.value).toString(), "John");
      assert.deepEqual(record.metadata, metadata);
      assert.equal(record.expiryMs, undefined);
    }
  });

  bench.test("a record without metadata has none, and an empty value is a value", async ({ create }) => {
    const store = create();
    await store.write({ key: "k", value: new Uint8Array() });
    const [record] = await store.read("k");
    assert.ok(record);
    assert.equal(record.value.length, 0);
    assert.deepEqual(record.metadata, {});
  });

  bench.test("bytes of all values come back as they were, short and long", async ({ create, other }) => {
    const store = create();
    const every = Uint8Array.from({ length: 256 }, (_, index) => index);
    const long = randomBytes(supports.valueBytes);
    // A window into longer memory: only the window is the value.
    await store.write({ key: "every", value: new Uint8Array(every.buffer, 3, 200) });
    await store.write({ key: "long", value: long });
    const [[first], [second]] = await Promise.all([store.read("every"), other(store).read("long")]);
    assert.deepEqual(Buffer.from(first?.value ?? []), Buffer.from(every.subarray(3, 203)));
    assert.equal(digest(second?.value ?? new Uint8Array()), digest(long));
  });

  bench.test("odd keys are keys like others", async ({ create, other }) => {
    const store = create();
    const long = "k".repeat(1_024);
    const texts = [
      ".",
      "..",
      "a.b",
      "a*b",
      "a>b",
      "a/b//c/",
      "%",
      "_",
      "\\",
      "a'b\"c",
      "a b",
      "\t\n",
      "😀",
      "ключ",
    ];
    const keys = [...texts, "__proto__", "constructor", "{a}", "[a]", "?", ":", "a\u0001", long];
    for (const key of keys) await store.write({ key, value: bytes(`of ${key}`) });
    for (const key of keys) assert.equal(await textOf(other(store), key), `of ${key}`);
    assert.deepEqual((await store.list()).toSorted(), keys.toSorted());
  });

  bench.test("reading a record that isn't there is a 404 that names it", async ({ create, table }) => {
    const store = create();
    await assert.rejects(store.read("nobody"), (error: Error) => {
      assert.ok(isNotFound(error), String(error));
      assert.match(error.message, /nobody/);
      assert.ok(error.message.includes(table), "and the table");
      return true;
    });
  });

  bench.test("writing again replaces value and metadata", async ({ create, other }) => {
    const store = create();
    await store.write({ key: "k", value: bytes("one"), metadata: { only: "here" } });
    await other(store).write({ key: "k", value: bytes("two") });
    const records = await store.read("k");
    assert.deepEqual(
      records.map(({ value, metadata }) => [Buffer.from(value).toString(), metadata]),
      [["two", {}]],
    );
    assert.deepEqual(await store.list(), ["k"]);
  });

  bench.test("a deleted record is gone for everybody; deleting it again is no error", async (tools) => {
    const store = tools.create();
    await store.write({ key: "k", value: bytes("v") });
    await store.write({ key: "kept", value: bytes("v") });
    await tools.other(store).delete("k");
    await store.delete("k");
    await store.delete("never");
    await assert.rejects(store.read("k"), isNotFound);
    assert.deepEqual(await store.list(), ["kept"]);
    await store.write({ key: "k", value: bytes("again") });
    assert.equal(await textOf(store, "k"), "again");
  });

  bench.test("many writes at once are all there", async ({ create, other }) => {
    const store = create();
    const keys = Array.from({ length: 500 }, (_, index) => `k${String(index).padStart(3, "0")}`);
    await Promise.all(keys.map((key) => store.write({ key, value: bytes(key) })));
    const reader = other(store);
    assert.deepEqual(await reader.list(), keys);
    const records = await reader.read("k", { prefix: true });
    assert.deepEqual(
      records.map(({ key, value }) => [key, Buffer.from(value).toString()]),
      keys.map((key) => [key, key]),
    );
  });

  bench.test("of writes to one key that follow each other, the last one stays", async ({ create, other }) => {
    const store = create();
    for (let n = 0; n < 50; n++) await store.write({ key: "k", value: bytes(String(n)) });
    assert.equal(await textOf(other(store), "k"), "49");
  });

  bench.test("what is handed in or out is nobody else's", async ({ create }) => {
    const store = create();
    const value = Buffer.from("mine");
    const metadata = { list: ["mine"] };
    const writing = store.write({ key: "k", value, metadata });
    value.write("xxxx");
    metadata.list[0] = "xxxx";
    await writing;
    const [record] = await store.read("k");
    assert.deepEqual(
      [Buffer.from(record?.value ?? []).toString(), record?.metadata],
      ["mine", { list: ["mine"] }],
    );
    record?.value.fill(0);
    Object.assign(record?.metadata ?? {}, { added: true });
    const [again] = await store.read("k");
    assert.deepEqual(
      [Buffer.from(again?.value ?? []).toString(), again?.metadata],
      ["mine", { list: ["mine"] }],
    );
  });

  bench.test(
    "what is no record, no key and no page is refused, and nothing is written",
    async ({ create }) => {
      const store = create();
      const value = bytes("v");
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      const none = JSON.parse("null");
      for (const attempt of [
        () => store.write({ key: "", value }),
        () => store.write({ key: "a\0b", value }),
        () => store.write({ key: "a\ud800b", value }),
        () => store.write({ key: "ы".repeat(513), value }),
        () => store.write({ key: none, value }),
        () => store.write({ key: "k", value: JSON.parse('"text"') }),
        () => store.write({ key: "k", value: none }),
        () => store.write({ key: "k", value, metadata: circular }),
        () => store.write({ key: "k", value, metadata: JSON.parse("[]") }),
        () => store.write({ key: "k", value, expiryMs: -1 }),
        () => store.write({ key: "k", value, expiryMs: Number.NaN }),
        () => store.write({ key: "k", value }, { ttlMs: Number.POSITIVE_INFINITY }),
        () => store.write({ key: "k", value }, { table: "" }),
        () => store.write({ key: "k", value }, { database: "a\0b" }),
        () => store.read(""),
        () => store.read("a\0b", { prefix: true }),
        () => store.read("k", { prefix: true, limit: -1 }),
        () => store.read("k", { suffix: true, offset: 0.5 }),
        () => store.list({ limit: Number.NaN }),
        () => store.list({ prefix: "\ud800" }),
        () => store.list({ suffix: "a\0" }),
        () => store.list({ table: "t".repeat(256) }),
        () => store.delete(""),
        () => store.delete("k", { table: "" }),
      ]) {
        await assert.rejects(async () => attempt(), isBadRequest, String(attempt));
      }
      assert.deepEqual(await store.list(), []);
    },
  );
}

function digest(value: Uint8Array): string {
  return `${value.length} ${createHash("sha256").update(value).digest("hex")}`;
}
