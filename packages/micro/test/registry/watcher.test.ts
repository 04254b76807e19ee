import assert from "node:assert/strict";
import { test } from "node:test";
import type { Result } from "../../src/registry/registry.ts";
import { newWatcherQueue } from "../../src/registry/watcher.ts";

function change(name: string, version = "1"): Result {
  return { action: "create", service: { name, version, metadata: {}, endpoints: [], nodes: [] } };
}

test("changes are read in order, those of other services are left out", async () => {
  const { watcher, push } = newWatcherQueue({ service: "a" });
  push(change("a", "1"));
  push(change("b", "2"));
  push(change("a", "3"));
  const seen: string[] = [];
  for await (const { service } of watcher) {
    seen.push(service.version);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ["1", "3"]);
});

test("a signal ends the watcher without an error, before or later", async () => {
  let ended = 0;
  const controller = new AbortController();
  const { watcher } = newWatcherQueue({ signal: controller.signal, onEnd: () => ended++ });
  const next = watcher[Symbol.asyncIterator]().next();
  controller.abort();
  assert.equal((await next).done, true);
  await watcher.close();
  assert.equal(ended, 1);

  const late = newWatcherQueue({ signal: controller.signal, onEnd: () => ended++ });
  assert.equal((await late.watcher[Symbol.asyncIterator]().next()).done, true);
  assert.equal(ended, 2);
});

test("a lost watch is thrown once, after what was seen before", async () => {
  const { watcher, push, fail } = newWatcherQueue();
  const changes = watcher[Symbol.asyncIterator]();
  push(change("a"));
  fail(new Error("connection lost"));
  push(change("b"));
  assert.equal((await changes.next()).value?.service.name, "a");
  await assert.rejects(changes.next(), /connection lost/);
  assert.equal((await changes.next()).done, true);
});

test("a watcher that nobody reads fails instead of growing for ever", async () => {
  const { watcher, push } = newWatcherQueue();
  for (let index = 0; index < 10_000; index++) push(change("a", String(index)));
  let read = 0;
  await assert.rejects(async () => {
    for await (const _ of watcher) read++;
  }, /did not read 4096 changes/);
  assert.ok(read >= 4096 && read < 10_000);
});
