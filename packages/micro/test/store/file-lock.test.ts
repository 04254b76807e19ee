import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { type FileLock, takeLock } from "../../src/store/file-lock.ts";
import { scratchFolder } from "./scratch.ts";

const folder = scratchFolder();
const isHeld = (error: unknown): boolean => MicroError.is(error) && error.code === 503;

function newPath(): string {
  return join(folder, randomUUID());
}

function files(path: string): string[] {
  return readdirSync(folder).filter((name) => join(folder, name).startsWith(path));
}

/** The lock of a process that has ended. */
function leaveDeadLock(path: string, generation = 1, changes: object = {}): void {
  writeFileSync(`${path}.${generation}`, JSON.stringify({ ...own, pid: deadPid, ...changes }));
}

const { pid: deadPid } = spawnSync(process.execPath, ["-e", ""]);
/** What this process writes into its locks. */
const own = await (async (): Promise<object> => {
  const path = newPath();
  const lock = await takeLock(path);
  const text = readFileSync(`${path}.1`, "utf8");
  await lock.release();
  return JSON.parse(text);
})();

test("one holder at a time, named by its number, until it lets go", async () => {
  const path = newPath();
  const lock = await takeLock(path);
  await lock.check();
  await assert.rejects(takeLock(path), (error: Error) => {
    assert.ok(isHeld(error));
    assert.ok(error.message.includes(`${path} is held by process ${process.pid}`), error.message);
    return true;
  });
  await lock.release();
  await lock.release();
  assert.deepEqual(files(path), []);
  await (await takeLock(path)).release();
});

test("of many who find a dead holder, one takes the lock", async () => {
  for (let round = 0; round < 20; round++) {
    const path = newPath();
    leaveDeadLock(path, 1 + round);
    const outcomes = await Promise.allSettled(Array.from({ length: 16 }, () => takeLock(path)));
    const locks: FileLock[] = [];
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") locks.push(outcome.value);
      else assert.ok(isHeld(outcome.reason), String(outcome.reason));
    }
    assert.equal(locks.length, 1);
    await locks[0]?.check();
    assert.equal(files(path).length, 1, "the dead one's file is gone");
    await locks[0]?.release();
  }
});

test("a number that belongs to another process by now is no holder", {
  skip: process.platform !== "linux",
}, async () => {
  const path = newPath();
  leaveDeadLock(path, 1, { pid: process.pid, started: "1" });
  await (await takeLock(path)).release();
});

test("a holder elsewhere is believed while it touches its file, and no longer", async () => {
  for (const text of [JSON.stringify({ pid: 1, place: "elsewhere" }), "", "{"]) {
    const path = newPath();
    const file = `${path}.1`;
    writeFileSync(file, text);
    const touching = setInterval(() => utimesSync(file, new Date(), new Date()), 5);
    const waited: string[] = [];
    const options = { touchMs: 100, onWait: (each: string) => void waited.push(each) };
    await assert.rejects(takeLock(path, options), /of another machine or container/);
    clearInterval(touching);
    const lock = await takeLock(path, options);
    assert.deepEqual(waited, [file, file]);
    await lock.release();
  }
});

test("a holder elsewhere that lets go is not waited for", async () => {
  const path = newPath();
  writeFileSync(`${path}.1`, JSON.stringify({ pid: 1, place: "elsewhere" }));
  const lock = await takeLock(path, { touchMs: 3_000, onWait: () => rmSync(`${path}.1`) });
  await lock.release();
});

test("a holder that was taken for dead finds out", async () => {
  const path = newPath();
  const asleep = await takeLock(path, { touchMs: 600_000 });
  writeFileSync(`${path}.1`, JSON.stringify({ ...own, place: "elsewhere" }));
  const lock = await takeLock(path, { touchMs: 30 });
  await assert.rejects(asleep.check(), /another process has taken the table over/);
  await asleep.release();
  await lock.check();
  await lock.release();
});
