import assert from "node:assert/strict";
import { test } from "node:test";
import { newService, type Service, stream } from "../../src/index.ts";

/** Compiled, and not run: these are the forms that the documentation shows. */
async function forms(service: Service): Promise<void> {
  service.handle("Greeter", {
    Hello: async (request: { name: string }, context) => ({
      msg: `Hello ${request.name} from ${context.peer.address}`,
    }),
    Plain: (request: { name: string }) => request.name,
    Count: stream(async function* (requests: AsyncIterable<{ to: number }>, context) {
      for await (const { to } of requests) yield { count: to, at: context.deadline };
    }),
  });
  class Counter {
    #count = 0;
    Add(request: { by: number }): { count: number } {
      this.#count += request.by;
      return { count: this.#count };
    }
  }
  service.handle("Counter", new Counter(), { internal: true });
  service.subscribe("news", async (news: { title: string }, context) => {
    console.log(news.title.length, context.topic.length, context.attempt);
    await context.ack();
  });
  const reply = await service.client.call<{ msg: string }>({
    service: "greeter",
    endpoint: "Greeter.Hello",
    body: { name: "John" },
  });
  console.log(reply.msg.length);
  await service.publish("news", { title: "x" }, { metadata: { "X-Y": "z" } });
  newService({ server: (options) => ({ ...service.server, name: options.name ?? "" }), broker: "nats" });
  // @ts-expect-error a context has no such member
  service.handle("Greeter", { Hello: (_request: object, context) => context.nothing });
  // @ts-expect-error a broker is no registry
  newService({ registry: service.broker });
}

test("what the documentation shows compiles", () => {
  assert.equal(typeof forms, "function");
});
