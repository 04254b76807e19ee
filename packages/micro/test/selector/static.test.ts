import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceUnavailable } from "../../src/errors.ts";
import { filterProtocol, filterVersion } from "../../src/selector/filters.ts";
import { newStaticSelector } from "../../src/selector/static.ts";
import { newRoundRobin } from "../../src/selector/strategies.ts";

test("the name of a service is its address, and any client may try it", async () => {
  const selector = newStaticSelector();
  const next = await selector.select("10.0.0.7:8080", {
    filters: [filterVersion("1"), filterProtocol(["grpc"])],
  });
  const { id, address } = next();
  assert.deepEqual([id, address], ["10.0.0.7:8080", "10.0.0.7:8080"]);
  assert.equal(next().address, "10.0.0.7:8080");
});

test("given addresses serve every name, and those that fail are avoided", async () => {
  const selector = newStaticSelector({ addresses: ["a:1", "b:2"], strategy: newRoundRobin() });
  const seen = new Set([
    (await selector.select("greeter"))().address,
    (await selector.select("greeter"))().address,
  ]);
  assert.deepEqual([...seen].sort(), ["a:1", "b:2"]);
  const [first] = [(await selector.select("greeter"))()];
  selector.mark("greeter", first, serviceUnavailable("", "refused", { reason: "connection-failed" }));
  for (let round = 0; round < 10; round++) {
    assert.notEqual((await selector.select("greeter"))().address, first.address);
  }
});
