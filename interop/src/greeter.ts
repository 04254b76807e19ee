import { setTimeout as delay } from "node:timers/promises";
import { conflict, getMetadata, notFound, type Service } from "ts-micro";
import { Greeter } from "./gen/greeter/greeter_pb.ts";

/** What `interop/go/v5/server` serves, and a handler without a schema beside it. */
export function serveGreeter(service: Service): void {
  service.handle(Greeter, {
    hello: ({ name, fullName, count, data, id }) => ({ name: `Hello ${name}`, fullName, count, data, id }),
    fail() {
      throw notFound("greeter.users", "no such user");
    },
    panic() {
      throw new Error("out of tea");
    },
    async sleep({ count }, { signal }) {
      await delay(count, undefined, { signal });
      return {};
    },
    metadata: ({ name }, context) => ({ name: getMetadata(context.metadata, name) ?? "" }),
    deadline: (_, context) => ({ count: Math.round(context.remainingMs() ?? 0) }),
    async *count({ count }) {
      for (let number = 1; number <= count; number++) yield { count: number };
    },
    async *chat(requests) {
      for await (const { name } of requests) {
        if (name === "fail") throw conflict("greeter.chat", "enough");
        yield { name: `Hello ${name}` };
      }
    },
    async total(requests) {
      let total = 0;
      for await (const { count } of requests) total += count;
      return { count: total };
    },
  });
  service.handle("Plain", { Hello: ({ name }: { name: string }) => ({ name: `Hello ${name}` }) });
}
