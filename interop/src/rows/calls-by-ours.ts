import assert from "node:assert/strict";
import type { Service } from "ts-micro";
import type { CallOptions, TypedClient } from "ts-micro/client";
import { failsWith } from "../fails-with.ts";
import { Greeter } from "../gen/greeter/greeter_pb.ts";
import type { Rows } from "./rows.ts";

/** A service, Go's or ours, as a client of ours sees it. */
export interface SeenByOurs {
  readonly caller: Service;
  readonly name: string;
  readonly greeter: TypedClient<typeof Greeter>;
  /** Of all calls: their content type. */
  readonly options: CallOptions;
}

export function seenByOurs(caller: Service, name: string, options: CallOptions): SeenByOurs {
  return { caller, name, options, greeter: caller.for(Greeter, { ...options, service: name }) };
}

const sixtyFour = Array.from({ length: 64 }, (_, index) => index);

/** Rows of the tables: what our client asks. Each throws when something else comes than one should expect. */
export const callsByOurs: Rows<SeenByOurs> = {
  async unary({ greeter }) {
    const answer = await greeter.hello({ name: "John", fullName: "John Doe", count: -1 });
    assert.deepEqual([answer.name, answer.fullName, answer.count], ["Hello John", "John Doe", -1]);
  },

  async "numbers of 64 bits"({ greeter }) {
    for (const id of [5n, 2n ** 53n + 1n, -(2n ** 63n)]) assert.equal((await greeter.hello({ id })).id, id);
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
    const metadata = { "X-Color": "red", "micro-trace": "größer" };
    assert.equal((await greeter.metadata({ name: "X-Color" }, { metadata })).name, "red");
    assert.equal((await greeter.metadata({ name: "Micro-Trace" }, { metadata })).name, "größer");
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
    for await (const name of chat(greeter, ["a", "b", "c"])) if (names.push(name) === 3) break;
    assert.deepEqual(names, ["Hello a", "Hello b", "Hello c"]);
  },

  async "its end told by the client"({ greeter }) {
    const names: string[] = [];
    for await (const name of chat(greeter, ["a", "b"])) names.push(name);
    assert.deepEqual(names, ["Hello a", "Hello b"]);
  },

  async "error within a stream"({ greeter }) {
    const names: string[] = [];
    const converse = async (): Promise<void> => {
      for await (const name of chat(greeter, ["a", "fail"])) names.push(name);
    };
    await failsWith(converse, { id: "greeter.chat", code: 409, detail: "enough" });
    assert.deepEqual(names, ["Hello a"]);
  },

  "unknown service": ({ caller, name, options }) =>
    failsWith(() => caller.client.call({ ...options, service: `${name}.nope`, endpoint: "Greeter.Hello" }), {
      id: "go.micro.client",
      code: 500,
      detail: `service ${name}.nope: not found`,
    }),
};

/** Those of codecs that are JSON: without a schema on our side, and on both. */
export const plainCallsByOurs: Rows<SeenByOurs> = {
  async "unary, a plain object"({ caller, name, options }) {
    const body = { name: "John", full_name: "John Doe" };
    const call = { ...options, service: name, endpoint: "Greeter.Hello", body };
    const answer = await caller.client.call<Record<string, string>>(call);
    // A schema's fields have two names in JSON, and each side takes one.
    assert.deepEqual([answer.name, answer.full_name ?? answer.fullName], ["Hello John", "John Doe"]);
  },

  async "unary, no schema"({ caller, name, options }) {
    const call = { ...options, service: name, endpoint: "Plain.Hello", body: { name: "John" } };
    assert.deepEqual(await caller.client.call(call), { name: "Hello John" });
  },
};

/** Says each name when the one before is answered, and then that it says no more. */
export async function* chat(
  greeter: SeenByOurs["greeter"],
  names: readonly string[],
  options: CallOptions = {},
): AsyncGenerator<string> {
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
  for await (const { name } of greeter.chat(requests(), options)) {
    yield name;
    answered();
  }
}
