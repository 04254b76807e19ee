import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { ClientOptions } from "../../src/client/client.ts";
import { newClient } from "../../src/client/mucp.ts";
import { MicroError } from "../../src/errors.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";
import { newHttpTransport } from "../../src/transport/http.ts";
import { newMemoryTransport } from "../../src/transport/memory.ts";
import { setUp } from "../server/start-server.ts";
import { rawMuxServer } from "./raw-mux.ts";

const hello = { service: "greeter", endpoint: "Say.Hello", body: { name: "John" } };

async function register(registry: Registry, address: string, id = "greeter-1"): Promise<void> {
  const node = { id, address, metadata: { protocol: "mucp", protocols: "mucp,mux" } };
  await registry.register({ name: "greeter", version: "1", metadata: {}, endpoints: [], nodes: [node] });
}

/** A client that knows a node which the test plays by hand. */
async function caller(context: TestContext, options: ClientOptions = {}) {
  const registry = newMemoryRegistry({ addresses: [randomUUID()] });
  const server = await rawMuxServer(context);
  await register(registry, server.address);
  const client = newClient({ backoff: () => 0, ...options, parts: { registry } });
  context.after(() => client.close());
  context.after(() => registry.close());
  return { client, registry, server };
}

test("heads are sent once, calls share the connection, and answers may come in any order", async (t) => {
  const { client, server } = await caller(t);
  const first = client.call(hello);
  const node = await server.accepted();
  assert.equal(await node.line(), "ts-micro-mux/1");
  node.write("ts-micro-mux/1\n");
  assert.equal(
    await node.line(),
    'h0 {"service":"greeter","endpoint":"Say.Hello","contentType":"application/json"}',
  );
  assert.match(await node.line(), /^q1 0 \d+ - \{"name":"John"\}$/);
  const second = client.call({ ...hello, metadata: { "x-trace": "a b" } });
  assert.match(await node.line(), /^q2 0 \d+ \{"X-Trace":"a\\u0020b"\} \{"name":"John"\}$/);
  node.write('a99 "nobody asked"\na2 2\na1 *3\n"ö'.replace("ö", "\xc3"));
  assert.equal(await second, 2);
  node.write('e99 {}\ny new letters are passed over\nq3 0 0 - {"name":"x"}\n');
  await assert.rejects(first, (error) => MicroError.is(error) && error.reason === "decode-failed");
  const third = client.call(hello);
  assert.match(await node.line(), /^q3 0 /);
  node.write('e3 {"id":"say","code":404,"detail":"no such","status":"Not Found"}\n');
  await assert.rejects(third, (error) => MicroError.is(error) && error.id === "say" && error.code === 404);
});

/** The same after a first call that went well: what is heard on the connection from now on, the test says. */
async function connected(context: TestContext) {
  const { client, server } = await caller(context);
  const first = client.call(hello);
  const node = await server.accepted();
  node.write("ts-micro-mux/1\na1 true\n");
  assert.equal(await first, true);
  while (!(await node.line()).startsWith("q1 "));
  return { client, node };
}

test("a call whose names no server would take fails alone", async (t) => {
  const { client, node } = await connected(t);
  const endpoint = `Say.${"x".repeat(20_000)}`;
  await assert.rejects(client.call({ ...hello, endpoint }), { code: 413, reason: "too-large" });
  const next = client.call(hello);
  assert.match(await node.line(), /^q2 0 /);
  node.write("a2 true\n");
  assert.equal(await next, true);
});

test("a call that times out is cancelled there, and a connection that stays silent is given up", async (t) => {
  const { client, node } = await connected(t);
  await assert.rejects(
    client.call({ ...hello, timeoutMs: 60 }),
    (error) => MicroError.is(error) && error.code === 408,
  );
  const waiting = client.call({ ...hello, timeoutMs: 60_000 });
  assert.match(await node.line(), /^q2 /);
  assert.equal(await node.line(), "x2");
  assert.equal(await node.line(), "p", "is anybody there?");
  assert.match(await node.line(), /^q3 /);
  await assert.rejects(
    waiting,
    (error) =>
      MicroError.is(error) && error.reason === "connection-lost" && /nothing came/.test(error.detail),
  );
  await node.closed();
});

test("a connection that answers is kept", async (t) => {
  const { client, node } = await connected(t);
  await assert.rejects(client.call({ ...hello, timeoutMs: 60 }));
  while ((await node.line()) !== "p");
  node.write("o\n");
  const next = client.call(hello);
  assert.match(await node.line(), /^q3 /);
  node.write("a3 true\n");
  assert.equal(await next, true);
});

test("after a goodbye calls in flight are answered, and new ones dial again", async (t) => {
  const { client, server } = await caller(t);
  const inFlight = client.call(hello);
  const node = await server.accepted();
  node.write("ts-micro-mux/1\n");
  while (!(await node.line()).startsWith("q1 "));
  node.write("g\n");
  assert.equal(await node.line(), "k");
  const next = client.call(hello);
  const restarted = await server.accepted();
  restarted.write("ts-micro-mux/1\n");
  while (!(await restarted.line()).startsWith("q1 "));
  restarted.write("a1 2\n");
  assert.equal(await next, 2);
  node.write("a1 1\n");
  assert.equal(await inFlight, 1);
  await node.closed();
});

for (const [what, answer, reason] of [
  ["closes at once", undefined, "connection-lost"],
  // It has taken no call then, so that the next node may have it.
  ["speaks HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "connection-failed"],
  ["sends rubbish", "ts-micro-mux/1\na \n", "connection-lost"],
] as const) {
  test(`a node that ${what} is an error that names it`, async (t) => {
    const { client, server } = await caller(t, { retries: 0 });
    const call = client.call(hello);
    const node = await server.accepted();
    if (answer === undefined) node.socket.destroy();
    else node.write(answer);
    await assert.rejects(
      call,
      (error) => MicroError.is(error) && error.reason === reason && error.detail.includes(server.address),
    );
  });
}

test("mux is spoken with those who announce it, over a transport that has connections", async (t) => {
  const { server, registry } = setUp(t, { name: "greeter" });
  server.handle(newHandler("Say", { Hello: (_: unknown, { metadata }: { metadata: object }) => metadata }));
  await server.start();
  const [found] = await registry.getService("greeter");
  assert.equal(found?.nodes[0]?.metadata.protocols, "mucp,mux");
  const headersOver = async (options: Parameters<typeof newClient>[0]): Promise<Record<string, string>> => {
    const client = newClient({ parts: { registry }, ...options });
    t.after(() => client.close());
    return client.call<Record<string, string>>({ ...hello, service: "greeter" });
  };
  assert.equal("Micro-Id" in (await headersOver({})), false);
  assert.equal("Micro-Id" in (await headersOver({ mux: false })), true, "mucp has a number for each request");
  const memory = newMemoryTransport({ addresses: [randomUUID()] });
  await assert.rejects(
    headersOver({ parts: { registry, transport: memory } }),
    /nobody listens there in hub/,
  );
});

test("a server without mux, or over a transport without ports, doesn't announce it", async (t) => {
  const hub = randomUUID();
  const registry = newMemoryRegistry({ addresses: [hub] });
  t.after(() => registry.close());
  for (const server of [
    newServer({ name: "alone", address: "127.0.0.1:0", mux: false, parts: { registry } }),
    newServer({ name: "memory", parts: { registry, transport: newMemoryTransport({ addresses: [hub] }) } }),
  ]) {
    t.after(() => server.stop());
    await server.start();
  }
  for (const name of ["alone", "memory"]) {
    const [found] = await registry.getService(name);
    assert.equal(found?.nodes[0]?.metadata.protocols, undefined);
  }
});

test("a slow node makes callers wait instead of filling the memory", async (t) => {
  const { client, server } = await caller(t, { requestTimeoutMs: 20_000 });
  const body = Buffer.alloc(1024 * 1024);
  const call = () => client.call({ ...hello, contentType: "application/octet-stream", body });
  const calls = [call()];
  const node = await server.accepted();
  node.write("ts-micro-mux/1\n");
  while (!(await node.line()).startsWith("q1 "));
  node.socket.pause();
  for (let more = 0; more < 40; more++) {
    calls.push(call());
    await new Promise((resolve) => setImmediate(resolve));
  }
  let sent = 0;
  let text = "";
  node.socket.on("data", (chunk: string) => {
    for (const found of `${text}${chunk}`.matchAll(/q(\d+) 0 \d+ - \*1048576\n/g)) {
      if (Number(found[1]) <= sent) continue;
      sent = Number(found[1]);
      node.write(`a${sent} *0\n`);
    }
    text = chunk.slice(-64);
  });
  node.write("a1 *0\n");
  node.socket.resume();
  await Promise.all(calls);
  assert.equal(sent, 41);
});

test("a transport that is replaced gets its own connections", async (t) => {
  const registry = newMemoryRegistry({ addresses: [randomUUID()] });
  t.after(() => registry.close());
  const server = await rawMuxServer(t);
  await register(registry, server.address);
  let transport = newHttpTransport();
  const client = newClient({
    parts: {
      registry,
      get transport() {
        return transport;
      },
    },
  });
  t.after(() => client.close());
  for (let round = 1; round <= 2; round++) {
    const call = client.call(hello);
    const node = await server.accepted();
    node.write("ts-micro-mux/1\na1 true\n");
    assert.equal(await call, true);
    transport = newHttpTransport();
  }
});
