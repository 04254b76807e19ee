import assert from "node:assert/strict";
import { test } from "node:test";
import { equals } from "@bufbuild/protobuf";
import { everything, full } from "./everything.ts";
import { EverythingSchema, Lab } from "./gen/testing/v1/lab_pb.ts";
import { allWays, labServices } from "./lab.ts";

for (const ways of allWays) {
  test(`all kinds of methods, over ${ways.transport} with ${ways.contentType}`, async (t) => {
    const { caller } = await labServices(t, ways);
    const lab = caller.for(Lab, { service: "lab" });

    assert.ok(equals(EverythingSchema, await lab.echo(full), everything()));
    assert.equal((await lab.lookUp({ value: 41n })).value, 42n);
    assert.equal((await lab.lookUp({})).value, 1n);
    assert.equal((await lab.reset({})).$typeName, "google.protobuf.Empty");

    assert.deepEqual(await values(lab.countTo({ value: 3n })), [1n, 2n, 3n]);
    assert.deepEqual(await values(lab.countTo({})), []);
    assert.equal((await lab.sumUp(numbers(1n, 2n, 3n))).value, 6n);
    assert.equal((await lab.sumUp([])).value, 0n);
    assert.deepEqual(await values(lab.double(numbers(1n, 2n, 3n))), [2n, 4n, 6n]);
    assert.deepEqual(await values(lab.double([])), []);
  });
}

async function* numbers(...all: bigint[]): AsyncIterable<{ value: bigint }> {
  for (const value of all) yield { value };
}

async function values(answers: AsyncIterable<{ value: bigint }>): Promise<bigint[]> {
  const all: bigint[] = [];
  for await (const { value } of answers) all.push(value);
  return all;
}
