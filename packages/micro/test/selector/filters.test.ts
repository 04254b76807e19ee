import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import type { Service } from "../../src/registry/registry.ts";
import {
  anyProtocol,
  filterEndpoint,
  filterLabel,
  filterProtocol,
  filterVersion,
} from "../../src/selector/filters.ts";
import { keepNodesLeft, narrow, nodesLeft, nodesOf } from "../../src/selector/narrow.ts";

function service(version: string, endpoint: string, nodes: Record<string, Record<string, string>>): Service {
  return {
    name: "greeter",
    version,
    metadata: {},
    endpoints: [{ name: endpoint, request: null, response: null, metadata: {} }],
    nodes: Object.entries(nodes).map(([id, metadata]) => ({ id, address: "h:1", metadata })),
  };
}

const services = [
  service("1", "Greeter.Hello", { a: { protocol: "mucp", zone: "x" }, b: { protocol: "grpc", zone: "y" } }),
  service("2", "Greeter.Bye", { c: { zone: "x" } }),
];

function left(...filters: Parameters<typeof narrow>[1]): string {
  return nodesOf(narrow(services, filters))
    .map(({ id }) => id)
    .join();
}

test("filters keep what matches, alone and together", () => {
  assert.equal(left(), "a,b,c");
  assert.equal(left(filterVersion("2")), "c");
  assert.equal(left(filterVersion("3")), "");
  assert.equal(left(filterEndpoint("Greeter.Hello")), "a,b");
  assert.equal(left(filterLabel("zone", "x")), "a,c");
  assert.equal(left(filterLabel("zone", "x"), filterEndpoint("Greeter.Hello")), "a");
});

test("a node without a protocol is mucp, one that is only an address is anybody's", () => {
  assert.equal(left(filterProtocol(["mucp"])), "a,c");
  assert.equal(left(filterProtocol(["grpc", "brpc"])), "b");
  const somewhere = [service("", "", { d: { protocol: anyProtocol } })];
  assert.equal(nodesOf(narrow(somewhere, [filterProtocol(["brpc"])])).length, 1);
});

test("a protocol that nobody speaks is an error that names those found and the client to use", () => {
  assert.throws(
    () => left(filterProtocol(["brpc"])),
    (error) => {
      assert.ok(MicroError.is(error));
      assert.deepEqual([error.id, error.code, error.reason], ["go.micro.client", 500, "protocol-not-spoken"]);
      assert.equal(
        error.detail,
        "service greeter speaks grpc and mucp, this client only brpc: choose --client=grpc or --client=mucp",
      );
      return true;
    },
  );
  assert.equal(left(filterVersion("3"), filterProtocol(["brpc"])), "");
});

test("the client to use for mux is mucp, named once", () => {
  const both = [service("", "", { a: { protocol: "mucp", protocols: "mucp,mux" } })];
  assert.throws(() => narrow(both, [filterProtocol(["grpc"])]), {
    detail: "service greeter speaks mucp and mux, this client only grpc: choose --client=mucp",
  });
});

test("built-in filters run once for the same services, a filter of one's own each time", () => {
  const filter = filterVersion("1");
  assert.equal(narrow(services, [filter]), narrow(services, [filter]));
  assert.equal(nodesOf(narrow(services, [filter])), nodesOf(narrow(services, [filter])));
  let runs = 0;
  const own = (given: readonly Service[]): readonly Service[] => {
    runs++;
    return given;
  };
  left(own);
  left(own);
  assert.equal(runs, 2);
});

test("what filters leave is remembered for a list that can't change", () => {
  const nodes = nodesOf(services);
  const own = (given: readonly Service[]): readonly Service[] => given;
  const frozen = Object.freeze([filterVersion("1")]);
  for (const filters of [[filterVersion("1")], Object.freeze([own]), frozen]) {
    assert.equal(nodesLeft(services, filters), undefined);
    keepNodesLeft(services, filters, nodes);
  }
  assert.equal(nodesLeft(services, frozen), nodes);
  assert.equal(nodesLeft([...services], frozen), undefined);
});
