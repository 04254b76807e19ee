import assert from "node:assert/strict";
import { test } from "node:test";
import { CallContext } from "../../src/context.ts";
import { MicroError } from "../../src/errors.ts";
import { newHandler, stream } from "../../src/server/handler.ts";

const context = new CallContext();

test("each function of an object becomes an endpoint with its options", () => {
  const type = { encode: () => new Uint8Array(0), decode: () => "decoded" };
  const handler = newHandler(
    "Greeter",
    { Hello: (request: { name: string }) => `Hello ${request.name}`, Bye: () => "Bye" },
    { endpoints: { Hello: { metadata: { cost: "1" }, requestType: type } } },
  );
  assert.deepEqual(
    handler.endpoints.map(({ name, streaming, metadata }) => ({ name, streaming, metadata })),
    [
      { name: "Greeter.Hello", streaming: false, metadata: { cost: "1" } },
      { name: "Greeter.Bye", streaming: false, metadata: {} },
    ],
  );
  assert.equal(handler.endpoints[0]?.requestType, type);
  assert.equal(handler.internal, false);
});

test("a method keeps its this", () => {
  const greeter = {
    greeting: () => "Hi",
    Hello(request: { name: string }) {
      return `${this.greeting()} ${request.name}`;
    },
  };
  const hello = newHandler("Greeter", greeter).endpoints.find(({ name }) => name === "Greeter.Hello");
  assert.equal(hello?.run({ name: "John" } as never, context), "Hi John");
});

test("of a class instance the methods with a capital count, inherited ones too, its state and helpers don't", () => {
  class Base {
    Ping() {
      return "pong";
    }
    get Size(): number {
      throw new Error("accessors are not read");
    }
  }
  class Greeter extends Base {
    readonly #greeting = "Hello";
    readonly database = { password: "secret" };
    Watch = stream(async function* () {
      yield 1;
    });
    Hello(request: { name: string }) {
      return this.say(request.name);
    }
    say(name: string) {
      return `${this.#greeting} ${name}`;
    }
  }
  const handler = newHandler("Greeter", new Greeter());
  assert.deepEqual(handler.endpoints.map(({ name }) => name).sort(), [
    "Greeter.Hello",
    "Greeter.Ping",
    "Greeter.Watch",
  ]);
  const hello = handler.endpoints.find(({ name }) => name === "Greeter.Hello");
  assert.equal(hello?.run({ name: "John" } as never, context), "Hello John");
});

test("a stream is known by its mark or as a native async generator", () => {
  async function* answers() {
    yield 1;
  }
  const { endpoints } = newHandler("Counter", {
    Marked: stream(() => answers()),
    async *Native() {
      yield 1;
    },
    Unary: async () => 1,
  });
  assert.deepEqual(
    endpoints.map(({ streaming }) => streaming),
    [true, true, false],
  );
});

const problems: [name: string, make: () => unknown, says: RegExp][] = [
  ["no name", () => newHandler("", { Hello: () => 1 }), /a handler has no name\. Give it one/],
  [
    "a dot in the name",
    () => newHandler("pkg.Greeter", { Hello: () => 1 }),
    /"pkg\.Greeter" is invalid.*without a dot/,
  ],
  ["null", () => newHandler("Greeter", null as unknown as object), /handler Greeter is null/],
  ["no methods", () => newHandler("Greeter", {}), /handler Greeter has no methods/],
  [
    "a value",
    () => newHandler("Greeter", { Hello: 1 }),
    /handler Greeter, method Hello is a number\. Give a function/,
  ],
  ["a class", () => newHandler("Greeter", { Hello: class {} }), /method Hello is a class/],
  ["a bad method name", () => newHandler("Greeter", { "a.b": () => 1 }), /method named "a\.b"/],
  [
    "only helpers",
    () =>
      newHandler(
        "Greeter",
        new (class {
          hello() {}
        })(),
      ),
    /no method that starts with a capital letter \(found hello\)/,
  ],
  [
    "options for a method that is not there",
    () => newHandler("Greeter", { Hello: () => 1 }, { endpoints: { Helo: {} } }),
    /options for Helo.*Did you mean Hello\?/,
  ],
];

for (const [name, make, says] of problems) {
  test(`a handler is refused with its name and the cure: ${name}`, () => {
    assert.throws(make, (error) => MicroError.is(error) && error.code === 400 && says.test(error.message));
  });
}
