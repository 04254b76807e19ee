import assert from "node:assert/strict";
import { getMetadata } from "ts-micro";
import type { SubscriberContext } from "ts-micro/server";
import { newInbox } from "../inbox.ts";
import type { ClientServerBench } from "./bench.ts";

export function publishTests(bench: ClientServerBench): void {
  bench.test("what a client publishes reaches each subscriber of the server, decoded", async (world) => {
    const seen = newInbox<unknown>();
    const server = world.create();
    const subscriber = (name: string) => ({
      topic: "news",
      run: (body: unknown, context: SubscriberContext) =>
        seen.add([name, body, context.topic, context.attempt, getMetadata(context.metadata, "x-tenant")]),
      options: {},
    });
    server.subscribe(subscriber("first"));
    await server.start();
    server.subscribe(subscriber("added while running"));
    const client = world.client();
    await client.publish("news", { headline: "ümlaut" }, { metadata: { "X-Tenant": "acme" } });
    await seen.until(2);
    await client.publish("olds", {});
    await client.publish("news", { last: true });
    const all = [...(await seen.until(4))].map((each) => JSON.stringify(each)).sort();
    const event = (name: string, body: unknown, tenant: string | null) =>
      JSON.stringify([name, body, "news", 1, tenant]);
    assert.deepEqual(
      all,
      ["first", "added while running"]
        .flatMap((name) => [event(name, { headline: "ümlaut" }, "acme"), event(name, { last: true }, null)])
        .sort(),
    );
  });

  bench.test("publishing to nobody succeeds", async ({ client }) => {
    await client().publish("nobody.listens", { a: 1 });
  });
}
