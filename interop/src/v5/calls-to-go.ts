import assert from "node:assert/strict";
import type { Service } from "ts-micro";
import type { CallOptions, TypedClient } from "ts-micro/client";
import { failsWith } from "../fails-with.ts";
import { Greeter } from "../gen/greeter/greeter_pb.ts";
import type { Rows } from "./rows.ts";

/** A Go service, as ours sees it. */
export interface GoService {
  readonly caller: Service;
  readonly name: string;
  readonly greeter: TypedClient<typeof Greeter>;
  /** Of all calls: their content type. */
  readonly options: CallOptions;
}

export function goServiceSeenBy(caller: Service, name: string, options: CallOptions): GoService {
  return { caller, name, options, greeter: caller.for(Greeter, { ...options, service: name }) };
}

const sixtyFour = Array.from({ length: 64 }, (_, index) => index);

/** Rows of the tables: what our client asks a Go service. Each throws when something else comes than one should expect. */
export const callsToGo: Rows<GoService> = {
  async unary({ greeter }) {
    const answer = await greeter.hello({ name: "John", fullName: "John Doe", count: -1 });
    assert.deepEqual([answer.name, answer.fullName, answer.count], ["Hello John", "John Doe", -1]);
  },

  async "empty and 1 MiB bodies"({ greeter }) {
    assert.equal((await greeter.hello({})).name, "Hello ");
    const data = Buffer.alloc(1024 * 1024, 7);
    assert.ok(data.equals((await greeter.hello({ data })).data));
  },

  async "64 calls in flight"({ greeter }) {
    const answers = await Promise.all(sixtyFour.map((count) => greeter.hello({ count })));
    assert.deepEqual(
      answers.map(({ count }) => count),
      sixtyFour,
    );
  },

  "error of a handler": ({ greeter }) =>
    failsWith(() => greeter.fail({}), { id: "greeter.users", code: 404, detail: "no such user" }),

  panic: ({ greeter }) =>
    failsWith(() => greeter.panic({}), { code: 500, detail: "panic recovered: out of tea" }),

  async metadata({ greeter }) {
    const metadata = { "X-Color": "red", "X-Shade": "größer" };
    assert.equal((await greeter.metadata({ name: "X-Color" }, { metadata })).name, "red");
    assert.equal((await greeter.metadata({ name: "X-Shade" }, { metadata })).name, "größer");
  },

  timeout: ({ greeter }) =>
    failsWith(() => greeter.sleep({ count: 60_000 }, { timeoutMs: 300, retries: 0 }), { code: 408 }),

  async "deadline carried on"({ greeter }) {
    const { count } = await greeter.deadline({}, { timeoutMs: 15_000 });
    assert.ok(count > 0 && count <= 15_000, `${count} ms`);
  },

  async "server stream"({ greeter }) {
    const counts = [];
    for await (const { count } of greeter.count({ count: 3 })) counts.push(count);
    assert.deepEqual(counts, [1, 2, 3]);
  },

  async "client stream"({ greeter }) {
    const { count } = await greeter.total([{ count: 1 }, { count: 2 }, { count: 3 }]);
    assert.equal(count, 6);
  },

  async "stream both ways, an answer at a time"({ greeter }) {
    const names: string[] = [];
    for await (const name of chat(greeter, ["a", "b", "c"])) if (names.push(name) === 2) break;
    assert.deepEqual(names, ["Hello a", "Hello b"]);
  },

  async "its end told by the client"({ greeter }) {
    for await (const _ of chat(greeter, [])) assert.fail("an answer came though nothing was asked");
  },

  "error within a stream": ({ greeter }) =>
    failsWith(
      async () => {
        for await (const name of chat(greeter, ["a", "fail"])) assert.equal(name, "Hello a");
      },
      { id: "greeter.chat", code: 409, detail: "enough" },
    ),

  "unknown service": ({ caller, name }) =>
    failsWith(() => caller.client.call({ service: `${name}.nope`, endpoint: "Greeter.Hello" }), {
      id: "go.micro.client",
      code: 500,
      detail: `service ${name}.nope: not found`,
    }),
};

/** Says each name when the one before is answered, and then that it says no more. */
async function* chat(greeter: GoService["greeter"], names: readonly string[]): AsyncGenerator<string> {
  let answered = (): void => {};
  async function* requests() {
    for (const name of names) {
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      yield { name };
      await answer;
    }
  }
  for await (const { name } of greeter.chat(requests())) {
    yield name;
    answered();
  }
}
