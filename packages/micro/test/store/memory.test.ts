import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { mock, test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { newMemoryStore } from "../../src/store/memory.ts";
import { decodeRecord, newRecord } from "../../src/store/record.ts";
import { Table } from "../../src/store/table.ts";

const value = Buffer.from("v");

test("records of JSON are made and read back, and what isn't JSON is refused", () => {
  const record = newRecord("user/1", { name: "Ada", tags: ["x"] });
  assert.equal(Buffer.from(record.value).toString(), '{"name":"Ada","tags":["x"]}');
  assert.deepEqual(decodeRecord<{ name: string }>(record), { name: "Ada", tags: ["x"] });
  for (const [attempt, reason] of [
    [() => newRecord("k", undefined), "encode-failed"],
    [() => newRecord("k", 1n), "encode-failed"],
    [() => decodeRecord({ key: "k", value: Buffer.from("{") }), "decode-failed"],
  ] as const) {
    assert.throws(attempt, (error) => {
      assert.ok(MicroError.is(error));
      assert.deepEqual([error.code, error.reason], [400, reason]);
      assert.match(error.detail, /"k"/);
      return true;
    });
  }
});

test("a memory store forgets what is over without being asked", async () => {
  const { prototype } = Table;
  const sweep = mock.method(prototype, "sweep");
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const store = newMemoryStore({ addresses: [randomUUID()] });
  try {
    await store.write({ key: "over", value }, { ttlMs: 1_000 });
    await store.write({ key: "later", value }, { ttlMs: 90_000 });
    await store.write({ key: "stays", value });
    mock.timers.tick(60_000);
    mock.timers.tick(60_000);
    // Nothing can end any more, so nobody looks.
    mock.timers.tick(60_000);
    assert.deepEqual(
      sweep.mock.calls.map(({ result }) => result?.map(({ key }) => key)),
      [["over"], ["later"]],
    );
    assert.deepEqual(await store.list(), ["stays"]);
  } finally {
    mock.timers.reset();
    sweep.mock.restore();
    await store.close();
  }
});
