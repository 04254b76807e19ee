/** The packed codec between our own, and JSON for everybody else. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { newMemoryBroker } from "../../src/broker/memory.ts";
import { newClient } from "../../src/client/mucp.ts";
import { defaultCodecs } from "../../src/codec/codecs.ts";
import { newLogger } from "../../src/logger.ts";
import { newMemoryRegistry } from "../../src/registry/memory.ts";
import { newHandler } from "../../src/server/handler.ts";
import { newServer } from "../../src/server/mucp.ts";
import type { ServerOptions } from "../../src/server/server.ts";

const contentType = "application/vnd.ts-micro.packed";
const logger = newLogger({ write: () => {} });
const registry = newMemoryRegistry({ addresses: [randomUUID()], logger });
const broker = newMemoryBroker({ addresses: [randomUUID()], logger });
const parts = { registry, broker };
const client = newClient({ parts, logger, contentType });
after(() => client.close());

/** Starts a server whose handlers say how they were spoken to. */
async function serve(name: string, options: Partial<ServerOptions> & { mux?: boolean } = {}) {
  const address = "127.0.0.1:0";
  const server = newServer({ name, address, logger, parts, drain: { propagationMs: 0 }, ...options });
  after(() => server.stop());
  server.handle(
    newHandler("Say", {
      Type: (_, { metadata }) => metadata["Content-Type"],
      Echo: (request) => request,
      Fail: () => {
        throw new Error("as it should");
      },
      async *Stream(requests: AsyncIterable<unknown>, { metadata }) {
        for await (const request of requests) yield [metadata["Content-Type"], request];
      },
    }),
  );
  await server.start();
  return server;
}

const documentOf = (lines: number) => ({
  id: "order-1",
  open: true,
  note: null,
  lines: Array.from({ length: lines }, (_, n) => ({ sku: `SKU ${n} €`, price: n / 4, tags: ["a", "b"] })),
});

test("a node that announces the codec is spoken to with it, in calls, streams and errors", async () => {
  await serve("packed");
  const [service] = await registry.getService("packed");
  assert.equal(service?.nodes[0]?.metadata.codecs, contentType);
  assert.equal(await client.call({ service: "packed", endpoint: "Say.Type" }), contentType);
  for (const lines of [0, 3, 5_000]) {
    const body = documentOf(lines);
    assert.deepEqual(await client.call({ service: "packed", endpoint: "Say.Echo", body }), body);
  }
  await assert.rejects(client.call({ service: "packed", endpoint: "Say.Fail" }), /as it should/);
  const stream = await client.stream({ service: "packed", endpoint: "Say.Stream" });
  await stream.send(documentOf(2));
  await stream.send("text");
  await stream.end();
  const answers: unknown[] = [];
  for await (const answer of stream) answers.push(answer);
  assert.deepEqual(answers, [
    [contentType, documentOf(2)],
    [contentType, "text"],
  ]);
});

test("a node without it gets JSON, and so does one that only an address is known of", async () => {
  await serve("plain", { mux: false });
  const server = await serve("elsewhere");
  for (const target of [{ service: "plain" }, { service: "x", addresses: [server.address] }]) {
    assert.equal(await client.call({ ...target, endpoint: "Say.Type" }), "application/json");
    const stream = await client.stream({ ...target, endpoint: "Say.Stream" });
    await stream.send({ n: 1 });
    await stream.end();
    for await (const answer of stream) assert.deepEqual(answer, ["application/json", { n: 1 }]);
  }
});

test("bytes that the caller has encoded keep their content type, whatever the node announces", async () => {
  await serve("encoded", { mux: false });
  const body = defaultCodecs[contentType]?.encode(
    { n: 1 },
    { kind: "request", id: "", endpoint: "Say.Type", error: "" },
  );
  assert.ok(body instanceof Uint8Array);
  assert.equal(await client.call({ service: "encoded", endpoint: "Say.Type", body }), contentType);
});

test("nodes of both kinds under one name get what each reads", async () => {
  await serve("mixed", { id: "new" });
  await serve("mixed", { id: "old", mux: false });
  const types = new Set<unknown>();
  for (let n = 0; n < 40; n++) types.add(await client.call({ service: "mixed", endpoint: "Say.Type" }));
  assert.deepEqual([...types].sort(), ["application/json", contentType]);
});

test("what a call asks for counts, and a client that asks for nothing speaks JSON", async () => {
  await serve("asked");
  const plain = newClient({ parts, logger });
  const request = { service: "asked", endpoint: "Say.Type" };
  assert.equal(await plain.call(request), "application/json");
  assert.equal(await plain.call({ ...request, contentType }), contentType);
  assert.equal(await client.call({ ...request, contentType: "application/json" }), "application/json");
  await plain.close();
});

test("messages are published as JSON, unless the codec is named", async () => {
  const seen: unknown[] = [];
  await broker.connect();
  await broker.subscribe("news", ({ message }) => {
    seen.push(message.header["Content-Type"]);
  });
  await client.publish("news", { n: 1 });
  await client.publish("news", { n: 2 }, { contentType });
  assert.deepEqual(seen, ["application/json", contentType]);
});
