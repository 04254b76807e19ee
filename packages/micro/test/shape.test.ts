import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean, kindOf, type Shape, shapeProblems } from "../src/shape.ts";

interface Sample {
  readonly name: string;
  readonly size: number;
  run(): Promise<void>;
  stop(): void;
  pause?(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

const shape: Shape<Sample> = {
  name: "string",
  size: "value",
  run: "promise",
  stop: "method",
  pause: "method?",
  [Symbol.asyncDispose]: "promise",
};

const whole = { name: "n", size: 0, run() {}, stop() {}, async [Symbol.asyncDispose]() {} };

test("what has all members fits: own, inherited, and more than asked for", () => {
  class Made {
    name = "n";
    size = 0;
    async run() {}
    stop() {}
    async [Symbol.asyncDispose]() {}
  }
  for (const value of [whole, new Made(), { ...whole, more: 1 }, Object.create(whole)]) {
    assert.deepEqual(shapeProblems(shape, value), []);
  }
});

test("everything that is missing or wrong is told at once, with the near miss", () => {
  const value = { name: 5, size: undefined, rnu() {}, Stop() {}, pause: 1 };
  assert.deepEqual(shapeProblems(shape, value), [
    "name must be a string, is a number",
    "missing member size",
    'missing method run (found "rnu", expected "run")',
    'missing method stop (found "Stop", expected "stop")',
    "pause must be a method, is a number",
    "missing method [Symbol.asyncDispose]",
  ]);
  for (const [nothing, words] of [
    [null, "null"],
    [undefined, "undefined"],
    [7, "number"],
  ] as const) {
    assert.deepEqual(shapeProblems(shape, nothing), [`expected an object, got ${words}`]);
  }
});

test("near is two letters, one in short words, a swap counting as one, or another case", () => {
  assert.equal(didYouMean("subcribe", ["publish", "subscribe"]), "subscribe");
  assert.equal(didYouMean("NATS", ["nats"]), "nats");
  assert.equal(didYouMean("nat", ["nats"]), "nats");
  assert.equal(didYouMean("nmae", ["name"]), "name");
  assert.equal(didYouMean("cleint", ["client"]), "client");
  assert.equal(didYouMean("http", ["mdns", "nats"]), undefined);
  assert.equal(didYouMean("kafka", ["memory"]), undefined);
  assert.equal(didYouMean("greters", ["greeter", "greeters"]), "greeters");
  assert.equal(didYouMean("GREETER", ["greeten", "greeter"]), "greeter");
  assert.equal(didYouMean("greeta", ["greetb", "greetc"]), "greetb");
});

test("kinds of values are said in words", () => {
  const values = [undefined, null, [], {}, "", 0, () => {}];
  const words = ["undefined", "null", "a list", "an object", "a string", "a number", "a function"];
  assert.deepEqual(values.map(kindOf), words);
});
