import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { newLogger } from "../../src/logger.ts";
import { newFileStore } from "../../src/store/file.ts";
import type { Store } from "../../src/store/store.ts";
import { scratchFolder } from "./scratch.ts";

const folder = scratchFolder();
const logger = newLogger({ level: "error" });
const program = fileURLToPath(new URL("file-writer.js", import.meta.url));

/** The number under each key, whose padding must be whole. */
async function numbers(store: Store, bytes: number): Promise<Map<string, number>> {
  const records = await store.read("", { prefix: true });
  return new Map(
    records.map(({ key, value }) => {
      const text = Buffer.from(value).toString();
      const number = Number.parseInt(text, 10);
      assert.equal(text, String(number).padEnd(bytes), `${key} is whole`);
      assert.equal(key, `k${number % 10}`);
      return [key, number];
    }),
  );
}

for (const [what, bytes] of [
  ["short", 10],
  // Some of these are killed while the log is written anew.
  ["long", 60_000],
] as const) {
  test(`a process that is killed in mid-write loses no ${what} record that was written`, {
    timeout: 120_000,
  }, async () => {
    const table = randomUUID();
    let said = 0;
    for (let round = 0; round < 8; round++) {
      const child = spawn(process.execPath, [program, folder, table, String(bytes)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const closed = once(child, "close");
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
      await once(child.stdout, "data");
      await pause(20 + round * 25);
      child.kill("SIGKILL");
      await closed;
      const lines = text.split("\n").slice(0, -1).map(Number);
      const highest = new Map(lines.map((n) => [`k${n % 10}`, n]));
      assert.ok(Math.max(...lines) > said);
      said = Math.max(...lines);
      // Its lock is taken over at once.
      await using store = newFileStore({ addresses: [folder], table, logger });
      const found = await numbers(store, bytes);
      for (const [key, number] of highest) assert.ok((found.get(key) ?? 0) >= number, `${key}: ${number}`);
    }
  });
}

test("a disk that is full is an error of the write, and what was written before stays", {
  skip: process.platform === "win32" && "has no ulimit",
}, async () => {
  const table = randomUUID();
  const child = spawnSync(
    "sh",
    ["-c", `ulimit -f 128; exec "${process.execPath}" "${program}" "${folder}" ${table} 3000`],
    { encoding: "utf8" },
  );
  assert.match(child.stderr, /MicroError.*can't be written: EFBIG/);
  assert.ok(child.stderr.includes(table), "the file is named");
  const lines = child.stdout.split("\n").slice(0, -1).map(Number);
  assert.ok(lines.length >= 10);
  await using store = newFileStore({ addresses: [folder], table, logger });
  const found = await numbers(store, 3_000);
  for (const n of lines.slice(-10)) assert.equal(found.get(`k${n % 10}`), n);
  await store.write({ key: "k0", value: Buffer.from("0".padEnd(3_000)) });
});

test("two processes can't have a table at once; another table they can", async () => {
  const table = randomUUID();
  await using held = newFileStore({ addresses: [folder], table, logger });
  await held.connect();
  const refused = spawnSync(process.execPath, [program, folder, table, "1"], { encoding: "utf8" });
  assert.match(refused.stderr, new RegExp(`is held by process ${process.pid}; one process at a time`));
  await using other = newFileStore({ addresses: [folder], table: `${table}2`, logger });
  await other.connect();
});
