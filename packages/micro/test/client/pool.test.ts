import assert from "node:assert/strict";
import { test } from "node:test";
import { newClient } from "../../src/client/mucp.ts";
import type { Node } from "../../src/registry/registry.ts";
import type { NodesListener, Selector } from "../../src/selector/selector.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import type { Socket } from "../../src/transport/transport.ts";
import { answer, clientOf, failure, goodbye, type Script, scriptedServer } from "./scripted-server.ts";

const hello = { service: "greeter", endpoint: "Say.Hello" };
const echo: Script = (_request, socket) => socket.send(answer("{}\n"));

test("calls one after the other share a connection, calls at the same time don't", async (t) => {
  const held: Socket[] = [];
  const server = await scriptedServer(t, (request, socket) =>
    request.body.length > 0 ? held.push(socket) : socket.send(answer("{}\n")),
  );
  const client = clientOf(t, server.transport);
  const addresses = [server.address];
  await client.call({ ...hello, addresses });
  await client.call({ ...hello, addresses });
  assert.equal(server.sockets.length, 1);
  const both = [1, 2].map((body) => client.call({ ...hello, addresses, body }));
  await server.received(4);
  assert.equal(server.sockets.length, 2);
  assert.notEqual(held[0], held[1], "never two requests on one connection");
  for (const socket of held) socket.send(answer("{}\n"));
  await Promise.all(both);
});

test("the connection that was used last is used next", async (t) => {
  const waiting: Socket[] = [];
  const server = await scriptedServer(t, (request, socket) =>
    request.body.length > 0 ? waiting.push(socket) : socket.send(answer("{}\n")),
  );
  const client = clientOf(t, server.transport);
  const call = (body?: number) => client.call({ ...hello, addresses: [server.address], body });
  const first = call(1);
  const second = call(2);
  await server.received(2);
  waiting[1]?.send(answer("{}\n"));
  await second;
  waiting[0]?.send(answer("{}\n"));
  await first;
  const third = call(3);
  await server.received(3);
  assert.equal(waiting[2], waiting[0]);
  waiting[2]?.send(answer("{}\n"));
  await third;
});

test("no more than poolSize connections are kept idle", async (t) => {
  const waiting: Socket[] = [];
  const server = await scriptedServer(t, (_request, socket) => waiting.push(socket));
  const client = clientOf(t, server.transport, { poolSize: 1 });
  const calls = [1, 2].map(() => client.call({ ...hello, addresses: [server.address] }));
  await server.received(2);
  for (const socket of waiting) socket.send(answer("{}\n"));
  await Promise.all(calls);
  await Promise.race([server.closed(0), server.closed(1)]);
  assert.equal(server.sockets.filter((socket) => socket.closed).length, 1);
});

test("an idle connection is closed when it has grown old", async (t) => {
  const server = await scriptedServer(t, echo);
  const client = clientOf(t, server.transport, { poolTtlMs: 20 });
  await client.call({ ...hello, addresses: [server.address] });
  await server.closed(0);
  await client.call({ ...hello, addresses: [server.address] });
  assert.equal(server.sockets.length, 2);
});

test("an error of the handler keeps the connection, Connection: close gives it up", async (t) => {
  const server = await scriptedServer(t, (_request, socket, number) =>
    socket.send(number === 1 ? answer("{}\n", { Connection: "Close" }) : failure('{"code":400}')),
  );
  const client = clientOf(t, server.transport);
  const addresses = [server.address];
  await assert.rejects(client.call({ ...hello, addresses }), { code: 400 });
  await client.call({ ...hello, addresses });
  assert.equal(server.sockets.length, 1);
  await server.closed(0);
  await assert.rejects(client.call({ ...hello, addresses }), { code: 400 });
  assert.equal(server.sockets.length, 2);
});

for (const name of ["memory", "http"]) {
  test(`a connection that the peer closes while it is idle is not used again (${name})`, async (t) => {
    const server = await scriptedServer(t, echo, name === "http" ? { transport: newHttpTransport() } : {});
    const client = clientOf(t, server.transport, { retries: 0 });
    const addresses = [server.address];
    await client.call({ ...hello, addresses });
    void server.sockets[0]?.close();
    await server.closed(0);
    // In memory the client's end learns of it in the same turn of the event loop as the server's.
    await new Promise(setImmediate);
    await client.call({ ...hello, addresses });
    assert.equal(server.sockets.length, 2);
  });
}

test("a goodbye in place of the answer, and on an idle connection", async (t) => {
  const server = await scriptedServer(t, (_request, socket, number) => {
    socket.send(number === 1 ? goodbye : answer("{}\n"));
    if (number === 1) void socket.close();
  });
  const client = clientOf(t, server.transport, { backoff: () => 0 });
  const addresses = [server.address];
  await client.call({ ...hello, addresses });
  await assert.rejects(client.call({ ...hello, addresses, retries: 0 }), { code: 503, reason: "draining" });
  await client.call({ ...hello, addresses });
  server.sockets[1]?.send(goodbye);
  await server.closed(1);
  await client.call({ ...hello, addresses, retries: 0 });
  assert.equal(server.sockets.length, 3);
  assert.equal(server.requests.length, 4, "the request that met the goodbye was not repeated");
});

test("a request that met a goodbye is repeated by default, although it isn't idempotent", async (t) => {
  const server = await scriptedServer(t, (_request, socket, number) =>
    socket.send(number === 0 ? goodbye : answer("{}\n")),
  );
  const client = clientOf(t, server.transport, { backoff: () => 0 });
  await client.call({ ...hello, addresses: [server.address] });
  assert.equal(server.requests.length, 2);
});

test("an answer that nobody asked for ends the connection", async (t) => {
  const server = await scriptedServer(t, (_request, socket) => {
    socket.send(answer("{}\n"));
    socket.send(answer('"of an earlier call"\n'));
  });
  const client = clientOf(t, server.transport);
  const addresses = [server.address];
  assert.deepEqual(await client.call({ ...hello, addresses }), {});
  await server.closed(0);
  assert.deepEqual(await client.call({ ...hello, addresses }), {});
});

test("connections to a node that left the service are closed, those at work after their call", async (t) => {
  const waiting: Socket[] = [];
  const server = await scriptedServer(t, (request, socket) =>
    request.body.length > 0 ? waiting.push(socket) : socket.send(answer("{}\n")),
  );
  const node = (address: string): Node => ({ id: address, address, metadata: { protocol: "mucp" } });
  const selector = observedSelector(node(server.address));
  const client = newClient({ parts: { transport: server.transport, selector } });
  t.after(() => client.close());
  await client.call(hello);
  const busy = client.call({ ...hello, body: 1 });
  await server.received(2);
  const idle = client.call(hello);
  await idle;
  assert.equal(server.sockets.length, 2);

  selector.tell("another service", []);
  selector.tell("greeter", [node(server.address), node("127.0.0.1:1")]);
  await client.call(hello);
  assert.equal(server.sockets.length, 2, "nothing has changed for this node");

  selector.tell("greeter", [node("127.0.0.1:1")]);
  await server.closed(1);
  waiting[0]?.send(answer('"done"\n'));
  assert.equal(await busy, "done");
  await server.closed(0);
  assert.equal(selector.listeners.size, 1);
  await client.close();
  assert.equal(selector.listeners.size, 0);
});

test("connections of a transport that was replaced are not used again", async (t) => {
  const first = await scriptedServer(t, echo);
  const second = await scriptedServer(t, echo, { address: first.address });
  let transport = first.transport;
  const client = newClient({
    parts: {
      get transport() {
        return transport;
      },
    },
  });
  t.after(() => client.close());
  await client.call({ ...hello, addresses: [first.address] });
  transport = second.transport;
  await client.call({ ...hello, addresses: [first.address] });
  assert.equal(second.requests.length, 1);
  await first.closed(0);
});

test("a dial that takes longer than its call is of use to the next", async (t) => {
  const server = await scriptedServer(t, echo);
  let dialled = (): void => {};
  const gate = new Promise<void>((resolve) => {
    dialled = resolve;
  });
  const slow = {
    ...server.transport,
    dial: async (...dial: Parameters<typeof server.transport.dial>) => {
      await gate;
      return server.transport.dial(...dial);
    },
  };
  const client = clientOf(t, slow);
  const stop = new AbortController();
  const cancelled = client.call({ ...hello, addresses: [server.address], signal: stop.signal });
  stop.abort();
  await assert.rejects(cancelled, { code: 499, reason: "cancelled" });
  dialled();
  while (server.sockets.length === 0) await new Promise(setImmediate);
  await client.call({ ...hello, addresses: [server.address] });
  assert.equal(server.sockets.length, 1);
});

test("a server that leaves at once is an error of the connection", async (t) => {
  const server = await scriptedServer(t, echo, {
    transport: newHttpTransport(),
    greet: (socket) => socket.destroy(),
  });
  const client = clientOf(t, server.transport, { retries: 0 });
  await assert.rejects(client.call({ ...hello, addresses: [server.address] }), {
    reason: /^connection-(failed|lost)$/,
  });
});

function observedSelector(node: Node): Selector & { listeners: Set<NodesListener>; tell: NodesListener } {
  const listeners = new Set<NodesListener>();
  return {
    name: "observed",
    select: () => () => node,
    mark() {},
    reset() {},
    observe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
    listeners,
    tell: (service, nodes) => {
      for (const listener of listeners) listener(service, nodes);
    },
  };
}
