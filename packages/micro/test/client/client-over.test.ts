import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CallFunction,
  type CallWrapper,
  type ClientWire,
  newClientOver,
  type WireAttempt,
} from "../../src/client/index.ts";
import { MicroError, serviceUnavailable } from "../../src/errors.ts";
import { newMetadata } from "../../src/metadata.ts";
import type { Selector } from "../../src/selector/selector.ts";

/** A protocol that carries nothing: it answers with what it was asked, and keeps what happened. */
function echoWire(answer = (attempt: WireAttempt): unknown => attempt.request.body) {
  const attempts: WireAttempt[] = [];
  let closed = 0;
  const wire: ClientWire = {
    name: "echo",
    protocol: "echo",
    open: () => ({
      async call(attempt) {
        attempts.push(attempt);
        return answer(attempt);
      },
      close() {
        closed++;
      },
    }),
  };
  return { wire, attempts, closed: () => closed };
}

const call = { service: "s", endpoint: "E.M", addresses: ["127.0.0.1:1"] };

test("a wire gets the attempt with its node and its metadata, and its answer is the call's", async () => {
  const { wire, attempts, closed } = echoWire();
  const client = newClientOver(wire);
  const answer = await client.call({ ...call, body: { a: 1 }, metadata: newMetadata({ tenant: "t" }) });
  assert.deepEqual(answer, { a: 1 });
  assert.equal(client.name, "echo");
  assert.equal(attempts[0]?.node.address, "127.0.0.1:1");
  assert.equal(attempts[0]?.metadata.Tenant, "t");
  await client.close();
  await client.close();
  assert.equal(closed(), 1);
});

test("what never left is tried again, in the limits of the call", async () => {
  const { wire, attempts } = echoWire(({ number }) => {
    if (number === 0) throw serviceUnavailable("echo", "nobody there", { reason: "connection-failed" });
    return "second";
  });
  await using client = newClientOver(wire, { backoff: () => 0 });
  assert.equal(await client.call(call), "second");
  assert.equal(attempts.length, 2);
});

test("a wire may tell an attempt's outcome instead of promising it, with wrappers too", async () => {
  const wire: ClientWire = {
    name: "echo",
    protocol: "echo",
    open: () => ({
      call: () => Promise.reject(new Error("send is there")),
      send({ number, request }, outcome) {
        if (number === 0) throw serviceUnavailable("echo", "nobody there", { reason: "connection-failed" });
        if (number === 1) outcome.fail(serviceUnavailable("echo", "gone", { reason: "connection-failed" }));
        else outcome.succeed(request.body);
      },
      close() {},
    }),
  };
  for (const wrapCall of [
    [],
    [
      (next: CallFunction): CallFunction =>
        (attempt) =>
          next(attempt),
    ],
  ]) {
    await using client = newClientOver(wire, { backoff: () => 0, retries: 2, wrapCall });
    assert.equal(await client.call({ ...call, addresses: ["a:1", "b:1", "c:1"], body: 3 }), 3);
  }
});

test("a selector that fails when it is told of an outcome fails the call, not the process", async () => {
  const chosen = { id: "1", address: "127.0.0.1:1", metadata: {} };
  const selector: Selector = {
    name: "broken",
    select: () => () => chosen,
    mark() {
      throw new Error("broken selector");
    },
    reset() {},
    async close() {},
    async [Symbol.asyncDispose]() {},
  };
  for (const answer of [() => "fine", () => Promise.reject(new Error("no"))]) {
    await using client = newClientOver(echoWire(answer).wire, { parts: { selector } });
    await assert.rejects(client.call({ service: "s", endpoint: "E.M" }), /broken selector/);
  }
});

test("call wrappers are around the wire, and what they write into metadata is made safe", async () => {
  const { wire, attempts } = echoWire();
  await using client = newClientOver(wire, {
    wrapCall: [
      (next) => (attempt) =>
        next({ ...attempt, metadata: newMetadata({ "x-by": "wrapper", "content-length": "9" }) }),
    ],
  });
  await client.call(call);
  assert.deepEqual({ ...attempts[0]?.metadata }, { "X-By": "wrapper" });
});

test("a wrapper that gives a plain value has answered the call", async () => {
  const { wire, attempts } = echoWire();
  const plain: CallWrapper = () => () => "cached" as unknown as Promise<unknown>;
  await using client = newClientOver(wire, { wrapCall: [plain] });
  assert.equal(await client.call(call), "cached");
  assert.equal(attempts.length, 0);
});

test("a wire that can't stream refuses streams", async () => {
  await using client = newClientOver(echoWire().wire);
  await assert.rejects(
    client.stream(call),
    (error) => MicroError.is(error) && error.reason === "not-supported",
  );
});
