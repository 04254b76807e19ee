import assert from "node:assert/strict";
import { test } from "node:test";
import { newHandler, newService } from "../../src/index.ts";
import { Lab } from "./gen/testing/v1/lab_pb.ts";
import { type LabImplementation, plainLab } from "./lab.ts";

/** What the compiler would refuse. */
function handlerOf(implementation: unknown): unknown {
  return newHandler(Lab, implementation as LabImplementation);
}

const names = "echo, countTo, sumUp, double, lookUp, reset";

test("endpoints have the names of the .proto file", () => {
  const handler = newHandler(Lab, plainLab, { endpoints: { lookUp: { metadata: { cost: "1" } } } });
  assert.equal(handler.name, "Lab");
  assert.equal(handler.schema, Lab);
  assert.deepEqual(
    handler.endpoints.map(({ name, streaming, metadata }) => ({ name, streaming, metadata })),
    [
      { name: "Lab.Echo", streaming: false, metadata: {} },
      { name: "Lab.CountTo", streaming: true, metadata: {} },
      { name: "Lab.SumUp", streaming: true, metadata: {} },
      { name: "Lab.Double", streaming: true, metadata: {} },
      { name: "Lab.LookUp", streaming: false, metadata: { cost: "1" } },
      { name: "Lab.Reset", streaming: false, metadata: {} },
    ],
  );
});

test("an implementation that doesn't fit is one error that names every method and the cure", () => {
  const { echo: _echo, double: _double, ...most } = plainLab;
  for (const [implementation, problems] of [
    [most, "echo is missing; double is missing"],
    [{ ...plainLab, ecko: plainLab.echo }, "ecko is not one of its methods, did you mean echo?"],
    [
      { ...most, Echo: plainLab.echo, duble: 1 },
      "Echo is not one of its methods, did you mean echo?; duble is not one of its methods, did you mean double?",
    ],
    [{ ...plainLab, more: () => ({}) }, "more is not one of its methods"],
    [
      { ...plainLab, echo: "yes", double: {} },
      "echo is a string, not a function; double is an object, not a function",
    ],
    [undefined, "it is undefined, not an object of functions"],
    [() => ({}), "it is a function, not an object of functions"],
  ] as const) {
    assert.throws(() => handlerOf(implementation), {
      code: 400,
      detail: `the handler Lab doesn't fit testing.v1.Lab: ${problems}. Give a function for each of its methods: ${names}`,
    });
  }
  assert.throws(() => newHandler(Lab, plainLab, { endpoints: { lookup: {} } as object }), {
    code: 400,
    detail: /in its options, lookup is not one of its methods, did you mean lookUp\?/,
  });
});

test("a class may implement it, with state and helpers", async () => {
  class Counting {
    calls = 0;
    echo = plainLab.echo;
    countTo = plainLab.countTo;
    sumUp = plainLab.sumUp;
    double = plainLab.double;
    reset = plainLab.reset;
    lookUp(): { value: bigint } {
      return { value: BigInt(this.count()) };
    }
    count(): number {
      return ++this.calls;
    }
  }
  const counting = new Counting();
  const handler = newHandler(Lab, counting);
  const lookUp = handler.endpoints.find(({ name }) => name === "Lab.LookUp");
  assert.deepEqual(await lookUp?.run({} as never, {} as never), { value: 1n });
  assert.equal(counting.calls, 1);
});

test("a name is taken once, whether by a schema or by a plain object", () => {
  const service = newService({ name: "x", argv: [], env: {} });
  service.handle(Lab, plainLab);
  assert.throws(() => service.handle("Lab", { Echo: () => 1 }), { code: 409 });
});
