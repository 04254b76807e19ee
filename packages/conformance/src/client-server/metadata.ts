import assert from "node:assert/strict";
import { type Context, getMetadata } from "ts-micro";
import type { Client } from "ts-micro/client";
import { newHandler } from "ts-micro/server";
import type { ClientServerBench } from "./bench.ts";

export function metadataTests(bench: ClientServerBench): void {
  if (!bench.supports.metadata) return;
  const read = (context: Context, keys: readonly string[]) =>
    Object.fromEntries(keys.map((key) => [key, getMetadata(context.metadata, key) ?? null]));

  bench.test("metadata reaches the handler, its keys in any case", async ({ serve, call }) => {
    await serve({ Read: (keys: string[], context: Context) => read(context, keys) });
    const metadata = { "x-tenant": "acme", "X-Trail": "a, b; c=d", "x-text": 'ümlaut 日本語 "quoted"' };
    assert.deepEqual(await call("Read", ["X-Tenant", "x-trail", "X-TEXT", "x-absent"], { metadata }), {
      "X-Tenant": "acme",
      "x-trail": "a, b; c=d",
      "X-TEXT": 'ümlaut 日本語 "quoted"',
      "x-absent": null,
    });
    assert.deepEqual(
      Object.keys(metadata),
      ["x-tenant", "X-Trail", "x-text"],
      "the caller's map stays as it is",
    );
  });

  bench.test("metadata of one call is not that of the next", async ({ serve, call }) => {
    await serve({ Read: (keys: string[], context: Context) => read(context, keys) });
    const metadata = { "X-Tenant": "acme", Authorization: "Bearer secret" };
    const keys = ["X-Tenant", "Authorization"];
    assert.deepEqual(await call("Read", keys, { metadata }), metadata);
    assert.deepEqual(await call("Read", keys), { "X-Tenant": null, Authorization: null });
  });

  bench.test("metadata can't make a call another one", async ({ serve, call }) => {
    await serve({ Name: () => "meant", Other: () => "not meant" });
    const metadata = {
      "micro-endpoint": "Test.Other",
      "Micro-Method": "Test.Other",
      "Micro-Topic": "news",
      "Micro-Stream": "1",
      "Micro-Error": "EOS",
      "Content-Type": "application/protobuf",
      Timeout: "1",
    };
    assert.equal(await call("Name", {}, { metadata }), "meant");
  });

  bench.test("a token travels on only when it is named in full", async (world) => {
    const { service } = world;
    const inner = world.create({ name: `${service}.inner` });
    inner.handle(newHandler("Inner", { Read: (keys: string[], context: Context) => read(context, keys) }));
    await inner.start();
    const named = world.client({ forwardMetadata: ["authorization"] });
    const meant = world.client({ forwardMetadata: ["*"] });
    const through = (client: Client) => (keys: string[], context: Context) =>
      client.call({ service: `${service}.inner`, endpoint: "Inner.Read", body: keys, context });
    await world.serve({ Named: through(named), Meant: through(meant) });
    const metadata = { Authorization: "Bearer secret", "X-Other": "o" };
    const keys = Object.keys(metadata);
    const [token, other] = [{ Authorization: metadata.Authorization }, { "X-Other": metadata["X-Other"] }];
    assert.deepEqual(await world.call("Named", keys, { metadata }), { ...token, "X-Other": null });
    assert.deepEqual(await world.call("Meant", keys, { metadata }), { Authorization: null, ...other });
  });

  bench.test("a nested call inherits what is meant to travel on, and nothing more", async (world) => {
    const { service } = world;
    let nested: Client | undefined;
    const inner = world.create({ name: `${service}.inner` });
    inner.handle(newHandler("Inner", { Read: (keys: string[], context: Context) => read(context, keys) }));
    await inner.start();
    await world.serve({
      With: (keys: string[], context: Context) =>
        nested?.call({ service: `${service}.inner`, endpoint: "Inner.Read", body: keys, context }),
      Without: (keys: string[]) =>
        nested?.call({ service: `${service}.inner`, endpoint: "Inner.Read", body: keys }),
    });
    nested = world.client({ forwardMetadata: ["X-Tenant*"] });
    const travelling = {
      "Micro-Trace-Id": "trace",
      "Micro-Span-Id": "span",
      "Micro-Namespace": "namespace",
      "X-Request-Id": "request",
      Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      Tracestate: "a=b",
      Baggage: "c=d",
      "X-Tenant-Name": "acme",
    };
    const staying = { Authorization: "Bearer secret", Cookie: "c", "X-Other": "o" };
    const metadata = { ...travelling, ...staying };
    const keys = Object.keys(metadata);
    const nothing = Object.fromEntries(keys.map((key) => [key, null]));
    assert.deepEqual(await world.call("With", keys, { metadata }), { ...nothing, ...travelling });
    assert.deepEqual(await world.call("Without", keys, { metadata }), nothing);
  });
}
