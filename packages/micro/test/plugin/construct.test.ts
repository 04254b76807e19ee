import assert from "node:assert/strict";
import { test } from "node:test";
import { newMemoryBroker } from "../../src/broker/memory.ts";
import { defaultBrokers, defaultServers } from "../../src/cmd/defaults.ts";
import { badRequest } from "../../src/errors.ts";
import { kinds } from "../../src/kinds.ts";
import { commonApi, construct, init } from "../../src/plugin/index.ts";

test("the factory gets its options, and what it made is given on", () => {
  const options = { addresses: ["construct-test"] };
  const made = newMemoryBroker();
  const part = construct("broker", "memory", (given) => (given === options ? made : assert.fail()), options);
  assert.equal(part, made);
});

test("inherited members count, and more than the interface asks for is fine", () => {
  class Base {
    readonly name = "sub";
    readonly address = "";
    readonly supports = { ack: false, queue: false, order: false, redelivery: false };
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
    async publish(): Promise<void> {}
    async subscribe(): Promise<never> {
      throw new Error("not here");
    }
    async [Symbol.asyncDispose](): Promise<void> {}
  }
  class Sub extends Base {
    readonly more = 1;
  }
  assert.ok(construct("broker", "sub", () => new Sub(), {}) instanceof Sub);
});

test("an error names the plugin that the factory came from, and keeps the cause", () => {
  const cause = new Error("no");
  const newFunc = (): never => {
    throw cause;
  };
  init({ name: "named", type: "broker", path: "./named.ts", newFunc });
  assert.throws(() => construct("broker", "named", defaultBrokers.named!, {}), { path: "./named.ts", cause });
  assert.throws(() => construct("broker", "unnamed", () => assert.fail(), {}), { path: "unnamed" });
});

test("a built-in part that throws is not a plugin to be fixed", () => {
  const options = { wires: 1 as never };
  assert.throws(() => construct("server", "mucp", defaultServers.mucp!, options), {
    code: "PLUGIN_FACTORY_THREW",
    cure: "Check the options it was given.",
  });
});

test("options that a built-in part can't use are named", () => {
  assert.throws(() => construct("server", "mucp", defaultServers.mucp!, { registerTtlMs: -1 }), {
    code: "PLUGIN_FACTORY_THREW",
    message:
      /^The server mucp can't be made of its options: registerTtlMs must be milliseconds from 0 to \d+, is -1\. \(/,
  });
});

test("a factory that refuses its options has said what to do: nobody is told to fix the plugin", () => {
  const cause = badRequest("go.micro.registry", "hills: HILLS_HOST is not set; give --registry_address");
  const newFunc = (): never => {
    throw cause;
  };
  assert.throws(() => construct("registry", "hills", newFunc, {}), {
    code: "PLUGIN_FACTORY_THREW",
    message:
      "The registry hills can't be made of its options: HILLS_HOST is not set; give --registry_address. (plugin hills, phase construct, PLUGIN_FACTORY_THREW)",
    cause,
  });
});

test("the highest common version of an interface is used", () => {
  const highest = Math.max(...kinds.broker.api);
  assert.equal(commonApi("broker", [highest, highest + 1, highest + 2]), highest);
  assert.equal(commonApi("broker", [highest + 1]), undefined);
  assert.equal(commonApi("broker", []), undefined);
});
