/** A disk, a copy or a hand can change any byte of a log. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fuzzTest, mutated, type Random } from "@ts-micro/fuzz";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newFileStore } from "../../src/store/file.ts";
import { type Entry, encodeEntry, fileHead } from "../../src/store/file-entry.ts";
import { logPath } from "../../src/store/file-names.ts";
import { scratchFolder } from "./scratch.ts";

const folder = scratchFolder();
const logger = newLogger({ level: "fatal" });
let tables = 0;

fuzzTest(
  "a log with any bytes opens as it was after one of its changes, or is called damaged and left alone",
  { rounds: 200 },
  async (random) => {
    const table = `t${tables++}`;
    const entries = Array.from({ length: random.below(8) }, () => anEntry(random));
    const whole = Buffer.concat([fileHead, ...entries.map(encodeEntry)]);
    const bytes =
      random.below(2) === 0 ? whole.subarray(0, random.below(whole.length + 1)) : mutated(random, whole);
    const path = logPath(folder, { database: "micro", table });
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    await using store = newFileStore({ addresses: [folder], table, logger, sync: false });
    let found: string;
    try {
      const records = await store.read("", { prefix: true });
      found = shown(records.map(({ key, value }) => [key, Buffer.from(value).toString("hex")]));
    } catch (error) {
      assert.ok(MicroError.is(error) && error.code === 500, String(error));
      assert.match(error.detail, /damaged at byte \d+ of \d+|isn't a log of this store/);
      return;
    }
    const states = entries.map((_, count) => stateAfter(entries.slice(0, count + 1)));
    assert.ok([stateAfter([]), ...states].includes(found), found);
    // It goes on from there.
    await store.write({ key: "new", value: Buffer.from("v") });
    assert.ok((await store.list()).includes("new"));
  },
);

function anEntry(random: Random): Entry {
  const key = `k${random.below(3)}`;
  if (random.below(4) === 0) return { key, deleted: true };
  return { key, value: Buffer.from(random.bytes(random.below(40))), metadata: "{}", expiresAt: undefined };
}

function stateAfter(entries: readonly Entry[]): string {
  const state = new Map<string, string>();
  for (const entry of entries) {
    if ("deleted" in entry) state.delete(entry.key);
    else state.set(entry.key, entry.value.toString("hex"));
  }
  return shown([...state].sort());
}

function shown(records: readonly (readonly [string, string])[]): string {
  return JSON.stringify(records);
}
