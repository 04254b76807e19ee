import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newFileStore } from "../../src/store/file.ts";
import { defaultFolder, logPath } from "../../src/store/file-names.ts";
import type { Store } from "../../src/store/store.ts";
import { scratchFolder } from "./scratch.ts";

const folder = scratchFolder();
const logger = newLogger({ level: "error" });

function newTable(): { path: string; open: () => Store } {
  const table = randomUUID();
  return {
    path: logPath(folder, { database: "micro", table }),
    open: () => newFileStore({ addresses: [folder], table, logger }),
  };
}

async function write(store: Store, key: string, text: string, ttlMs = 0): Promise<void> {
  await store.write({ key, value: Buffer.from(text), metadata: { of: key } }, { ttlMs });
}

/** Key and value of everything that is there. */
async function contents(store: Store): Promise<Record<string, string>> {
  await using opened = store;
  const records = await opened.read("", { prefix: true });
  return Object.fromEntries(records.map(({ key, value }) => [key, Buffer.from(value).toString()]));
}

test("a log that was cut off anywhere in its last entry has all entries before it", async () => {
  const { path, open } = newTable();
  {
    await using store = open();
    await write(store, "a", "first");
    await write(store, "b", "second");
  }
  const whole = readFileSync(path);
  {
    await using store = open();
    await write(store, "a", "changed");
  }
  const longer = readFileSync(path);
  assert.deepEqual(longer.subarray(0, whole.length), whole);
  for (let length = whole.length; length < longer.length; length++) {
    writeFileSync(path, longer.subarray(0, length));
    assert.deepEqual(await contents(open()), { a: "first", b: "second" }, `cut at ${length}`);
    assert.equal(statSync(path).size, whole.length, "what was never whole is gone");
  }
  writeFileSync(path, longer);
  assert.deepEqual(await contents(open()), { a: "changed", b: "second" });
});

test("a log that was cut off in its first bytes is an empty one", async () => {
  const { path, open } = newTable();
  assert.deepEqual(await contents(open()), {});
  const head = readFileSync(path);
  for (let length = 0; length < head.length; length++) {
    truncateSync(path, length);
    assert.deepEqual(await contents(open()), {}, `cut at ${length}`);
    assert.deepEqual(readFileSync(path), head);
  }
});

test("an end of zeros, or a last entry with wrong bytes, is what was never written", async () => {
  const { path, open } = newTable();
  {
    await using store = open();
    await write(store, "a", "first");
  }
  const { size } = statSync(path);
  appendFileSync(path, Buffer.alloc(10_000));
  assert.deepEqual(await contents(open()), { a: "first" });
  assert.equal(statSync(path).size, size);
  {
    await using store = open();
    await write(store, "b", "x".repeat(5_000));
  }
  const bytes = readFileSync(path);
  bytes.fill(0, bytes.length - 4_000);
  writeFileSync(path, bytes);
  assert.deepEqual(await contents(open()), { a: "first" });
});

test("damage before the end is told with its place, and nothing is thrown away", async () => {
  const { path, open } = newTable();
  {
    await using store = open();
    await write(store, "a", "first");
  }
  const start = statSync(path).size;
  {
    await using store = open();
    await write(store, "b", "second");
    await write(store, "c", "third");
  }
  const whole = readFileSync(path);
  // A byte of the length, of each checksum, and of the body.
  for (const at of [start, start + 3, start + 4, start + 8, start + 20]) {
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(whole.readUInt8(at) ^ 0x10, at);
    writeFileSync(path, damaged);
    for (let tries = 0; tries < 2; tries++) {
      await assert.rejects(open().connect(), (error) => {
        assert.ok(MicroError.is(error));
        assert.equal(error.code, 500);
        assert.ok(error.detail.includes(path) && error.detail.includes(`damaged at byte ${start} of`));
        return true;
      });
    }
    assert.deepEqual(readFileSync(path), damaged);
  }
  writeFileSync(path, "something else");
  await assert.rejects(open().connect(), /isn't a log of this store/);
  assert.equal(readFileSync(path, "utf8"), "something else");
});

test("a log is written anew when most of it is of no use, and nothing is lost", async () => {
  const { path, open } = newTable();
  const text = "x".repeat(40_000);
  await using store = open();
  await write(store, "over", text, 1);
  await write(store, "mortal", "m", 600_000);
  for (let n = 0; n < 200; n++) await write(store, `k${n % 5}`, `${n} ${text}`);
  await store.delete("k4");
  assert.ok(
    statSync(path).size < 2 * 1024 * 1024,
    `8 MB were written, ${statSync(path).size} bytes are there`,
  );
  for (const again of [store, open()]) {
    const found = await contents(again);
    assert.deepEqual(Object.keys(found), ["k0", "k1", "k2", "k3", "mortal"]);
    assert.deepEqual(
      [0, 1, 2, 3].map((n) => found[`k${n}`]),
      [0, 1, 2, 3].map((n) => `${195 + n} ${text}`),
    );
  }
  assert.ok(!readFileSync(path).includes('"over"'), "what is over isn't written again");
  assert.deepEqual(
    readdirSync(dirname(path)).filter((name) => name.startsWith(path.slice(dirname(path).length + 1))),
    [path.slice(dirname(path).length + 1)],
    "neither a lock nor a half log stays behind",
  );
});

test("what ended while nobody looked is gone, and what is left of the others is kept", async () => {
  const { open } = newTable();
  {
    await using store = open();
    await write(store, "short", "v", 20);
    await write(store, "long", "v", 600_000);
  }
  await pause(30);
  await using store = open();
  assert.deepEqual(await store.list(), ["long"]);
  const [record] = await store.read("long");
  const left = record?.expiryMs ?? 0;
  assert.ok(left > 0 && left < 600_000, `${left} ms are left`);
});

test("names that a file system would take for others, or for folders, stay in the folder and apart", () => {
  const place = (table: string) => logPath("/f", { database: "d", table });
  const tables = ["a", "A", "..", ".", "a/b", "a\\b", "ä", "con%", "go.micro.srv.example", "%41"];
  const paths = tables.map(place);
  assert.equal(new Set(paths.map((path) => path.toLowerCase())).size, tables.length);
  for (const path of paths) assert.equal(dirname(path), join("/f", "d"));
  assert.equal(place("go.micro.srv.example"), join("/f", "d", "go.micro.srv.example.log"));
  assert.throws(() => place("ä".repeat(100)), /too long for the name of a file/);
  assert.match(defaultFolder(), /[/\\]micro[/\\]store$/);
  assert.throws(() => newFileStore({ addresses: ["a", "b"] }), /one folder, not 2: a, b/);
});
