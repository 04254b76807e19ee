import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { checkServiceName, fittingNodeId, instanceName, isName } from "../../src/registry/mdns-names.ts";

test("a node id that fits stays as it is", () => {
  const id = `go.micro.srv.greeter-${randomUUID()}`;
  assert.equal(fittingNodeId(id, "go.micro.srv.greeter", "micro"), id);
});

test("any other id becomes one that fits, always the same, and another for another id", () => {
  const service = `go.micro.srv.${"x".repeat(60)}`;
  const ids = [
    `${service}-${randomUUID()}`,
    `${service}-${randomUUID()}`,
    `topic..${randomUUID()}`,
    `${"é".repeat(50)}-${randomUUID()}`,
    `${"😀".repeat(40)}`,
    Array.from({ length: 60 }, () => "part").join("."),
  ];
  const fitted = ids.map((id) => fittingNodeId(id, service, "micro"));
  assert.equal(new Set(fitted).size, ids.length);
  for (const [index, id] of fitted.entries()) {
    assert.ok(isName(instanceName(id, service, "micro")), id);
    assert.equal(fittingNodeId(ids[index] ?? "", service, "micro"), id);
    assert.equal(fittingNodeId(id, service, "micro"), id);
    assert.equal(id.includes("\ufffd"), false);
  }
});

test("a service name that can't fit is refused with the part and the limit", () => {
  const refused = (name: string, message: RegExp): void => {
    assert.throws(
      () => checkServiceName(name, "micro"),
      (error) => {
        assert.ok(MicroError.is(error) && error.code === 400);
        assert.match(error.message, message);
        return true;
      },
    );
  };
  checkServiceName(`a.${"x".repeat(63)}`, "micro");
  refused(`a.${"x".repeat(64)}`, /its part "x{64}" has 64 bytes, the limit is 63/);
  refused(`a.${"é".repeat(32)}`, /has 64 bytes, the limit is 63/);
  refused("a..b", /empty part/);
  refused(Array.from({ length: 30 }, () => "greeter").join("."), /bytes, the limit is 255/);
});
