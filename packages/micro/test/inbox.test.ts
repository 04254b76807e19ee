import assert from "node:assert/strict";
import { test } from "node:test";
import { Inbox } from "../src/inbox.ts";

function newInbox() {
  let changes = 0;
  const inbox = new Inbox<number, number>(
    (item) => {
      if (item < 0) throw new Error(`no ${item}`);
      return item * 10;
    },
    () => changes++,
  );
  return { inbox, changes: () => changes };
}

test("what was pushed is read in order, before and after somebody waits", async () => {
  const { inbox } = newInbox();
  inbox.push(1);
  const reads = [inbox.next(), inbox.next(), inbox.next()];
  inbox.push(2);
  inbox.end();
  inbox.push(3);
  assert.deepEqual(await Promise.all(reads), [
    { done: false, value: 10 },
    { done: false, value: 20 },
    { done: true, value: undefined },
  ]);
});

test("after a failure what is there is read first", async () => {
  const { inbox } = newInbox();
  inbox.push(1);
  inbox.fail(new Error("gone"));
  inbox.end();
  assert.deepEqual(await inbox.next(), { done: false, value: 10 });
  await assert.rejects(inbox.next(), /gone/);
  await assert.rejects(inbox.next(), /gone/);
});

test("an item that can't be decoded fails its reader alone", async () => {
  const { inbox } = newInbox();
  const waiting = inbox.next();
  inbox.push(-1);
  inbox.push(-2);
  inbox.push(3);
  await assert.rejects(waiting, /no -1/);
  await assert.rejects(inbox.next(), /no -2/);
  assert.deepEqual(await inbox.next(), { done: false, value: 30 });
});

test("leaving the loop drops what is there and what comes, and says so", async () => {
  const { inbox, changes } = newInbox();
  inbox.push(1);
  inbox.push(2);
  for await (const value of inbox) {
    assert.equal(value, 10);
    break;
  }
  inbox.push(3);
  assert.equal(inbox.size, 0);
  assert.equal(changes(), 2);
  assert.deepEqual(await inbox.next(), { done: true, value: undefined });
});
