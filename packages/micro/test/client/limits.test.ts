import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { newClient } from "../../src/client/mucp.ts";
import { CallContext } from "../../src/context.ts";
import { MicroError, timeout } from "../../src/errors.ts";
import type { Selector } from "../../src/selector/selector.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import { answer, clientOf, failure, type ScriptedServer, scriptedServer } from "./scripted-server.ts";

const hello = { service: "greeter", endpoint: "Say.Hello" };
const never = (): void => {};

test("a call without an answer ends with 408, and its connection with it", async (t) => {
  const server = await scriptedServer(t, never);
  const client = clientOf(t, server.transport);
  await assert.rejects(
    client.call({ ...hello, addresses: [server.address], timeoutMs: 30, idempotent: true }),
    {
      id: "go.micro.client",
      code: 408,
      reason: "timeout",
      detail: `greeter Say.Hello: call timeout while waiting for the answer of ${server.address}`,
    },
  );
  await server.closed(0);
  assert.ok(server.requests.length <= 1, "it isn't repeated");
});

test("the client's own limit holds where the call has none", async (t) => {
  const server = await scriptedServer(t, never);
  const client = clientOf(t, server.transport, { requestTimeoutMs: 30 });
  await untilReceived(server, () =>
    assert.rejects(client.call({ ...hello, addresses: [server.address] }), { code: 408 }),
  );
  const timeoutNs = Number(server.requests[0]?.header.Timeout);
  assert.ok(timeoutNs > 0 && timeoutNs <= 30_000_000, `${timeoutNs} ns`);
});

test("the limit also holds while connecting, selecting, waiting for a retry, and inside wrappers", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(failure('{"code":503}')));
  const hanging = new Promise<never>(never);
  const dialling = clientOf(t, { ...server.transport, dial: () => hanging });
  await assert.rejects(dialling.call({ ...hello, addresses: ["127.0.0.1:1"], timeoutMs: 30 }), {
    code: 408,
    detail: /connecting to 127\.0\.0\.1:1$/,
  });
  const selector = { select: () => hanging, mark: never } as unknown as Selector;
  const selecting = newClient({ parts: { transport: server.transport, selector } });
  t.after(() => selecting.close());
  await assert.rejects(selecting.call({ ...hello, timeoutMs: 30 }), {
    code: 408,
    detail: /looking the service up$/,
  });
  const addresses = [server.address];
  const stubborn = clientOf(t, server.transport, { wrapCall: [() => () => hanging] });
  await assert.rejects(stubborn.call({ ...hello, addresses, timeoutMs: 30 }), { code: 408 });
  const deciding = clientOf(t, server.transport, { retry: () => hanging });
  await assert.rejects(deciding.call({ ...hello, addresses, timeoutMs: 30 }), { code: 408 });
});

test("a wait that would outlast the call isn't begun: the last error is given at once", async (t) => {
  const server = await scriptedServer(t, (_request, socket) =>
    socket.send(failure('{"code":503,"detail":"busy"}')),
  );
  const client = clientOf(t, server.transport, { backoff: () => 3_600_000 });
  await assert.rejects(client.call({ ...hello, addresses: [server.address] }), { code: 503, detail: "busy" });
  assert.equal(server.requests.length, 1);
});

test("the remaining time is sent, of each attempt anew", async (t) => {
  const server = await scriptedServer(t, (_request, socket, number) =>
    socket.send(number === 0 ? failure('{"code":503}') : answer("{}\n")),
  );
  const client = clientOf(t, server.transport, { backoff: () => 20 });
  await client.call({ ...hello, addresses: [server.address], timeoutMs: 60_000 });
  const [first = 0, second = 0] = server.requests.map(({ header }) => Number(header.Timeout) / 1e6);
  assert.ok(first <= 60_000 && Number.isInteger(first));
  assert.ok(second < first && second > 0, `${second} after ${first}`);
});

test("a signal cancels the call, and nobody listens to it afterwards", async (t) => {
  const server = await scriptedServer(t, (request, socket) => {
    if (request.body.length > 0) socket.send(answer("{}\n"));
  });
  const client = clientOf(t, server.transport);
  const stop = new AbortController();
  const addresses = [server.address];
  await client.call({ ...hello, addresses, signal: stop.signal, body: 1 });
  assert.equal(getEventListeners(stop.signal, "abort").length, 0);
  const call = client.call({ ...hello, addresses, signal: stop.signal });
  await server.received(2);
  const reason = new Error("changed my mind");
  stop.abort(reason);
  await assert.rejects(call, { code: 499, reason: "cancelled", cause: reason });
  await server.closed(0);
  await assert.rejects(client.call({ ...hello, addresses, signal: stop.signal }), { code: 499 });
  assert.equal(server.requests.length, 2, "what was cancelled before is not sent");
});

test("the calling handler's deadline and cancellation are inherited", async (t) => {
  const server = await scriptedServer(t, never);
  const client = clientOf(t, server.transport);
  const addresses = [server.address];
  await untilReceived(server, () =>
    assert.rejects(client.call({ ...hello, addresses, context: new CallContext({ timeoutMs: 40 }) }), {
      code: 408,
      reason: "timeout",
    }),
  );
  assert.ok(Number(server.requests[0]?.header.Timeout) <= 40_000_000);

  const passed = new CallContext({ timeoutMs: -1 });
  await assert.rejects(client.call({ ...hello, addresses, context: passed }), { code: 408 });
  assert.equal(server.requests.length, 1);

  const context = new CallContext();
  const call = client.call({ ...hello, addresses, context });
  await server.received(2);
  context.cancel(new MicroError({ code: 499, detail: "the caller has gone away", reason: "cancelled" }));
  await assert.rejects(call, { code: 499, reason: "cancelled" });
  const ended = new CallContext();
  ended.cancel(timeout("go.micro.server", "deadline exceeded", { reason: "timeout" }));
  await assert.rejects(client.call({ ...hello, addresses, context: ended }), { code: 408 });
});

test("closing the client fails what is in flight, and what comes later", async (t) => {
  const server = await scriptedServer(t, never);
  const client = clientOf(t, server.transport);
  const addresses = [server.address];
  const call = client.call({ ...hello, addresses, idempotent: true });
  const stream = await client.stream({ ...hello, addresses });
  const read = stream[Symbol.asyncIterator]().next();
  await server.received(2);
  const closed = client.close();
  assert.equal(client.close(), closed);
  await Promise.all([
    assert.rejects(call, { code: 503, reason: "closed" }),
    assert.rejects(read, { code: 503, reason: "closed" }),
    server.closed(0),
    server.closed(1),
    closed,
  ]);
  await assert.rejects(client.call({ ...hello, addresses }), { reason: "closed" });
  await assert.rejects(client.stream({ ...hello, addresses }), { reason: "closed" });
  assert.equal(server.requests.length, 2);
});

test("nobody answers the dial: 503 that names the address, and the next address is tried", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => socket.send(answer("{}\n")), {
    transport: newHttpTransport(),
  });
  const client = clientOf(t, server.transport, { backoff: () => 0 });
  const nobody = "127.0.0.1:1";
  await assert.rejects(client.call({ ...hello, addresses: [nobody] }), (error: MicroError) => {
    assert.equal(error.code, 503);
    assert.equal(error.reason, "connection-failed");
    assert.match(error.detail, /127\.0\.0\.1:1/);
    return true;
  });
  for (let calls = 0; calls < 4; calls++)
    await client.call({ ...hello, addresses: [nobody, server.address] });
  assert.equal(server.requests.length, 4);
});

test("a broken connection is repeated only for idempotent calls", async (t) => {
  const server = await scriptedServer(t, (_request, socket, number) =>
    number % 2 === 0 ? socket.destroy() : socket.send(answer("{}\n")),
  );
  const client = clientOf(t, server.transport, { backoff: () => 0 });
  const addresses = [server.address];
  await client.call({ ...hello, addresses, idempotent: true });
  assert.equal(server.requests.length, 2);
  await assert.rejects(client.call({ ...hello, addresses }), { code: 500, reason: "connection-lost" });
  assert.equal(server.requests.length, 3);
});

/** Repeats a call of little time until it is received: on a busy machine the time may be up before. */
async function untilReceived(server: ScriptedServer, attempt: () => Promise<void>): Promise<void> {
  do await attempt();
  while (server.requests.length === 0);
}
