import assert from "node:assert/strict";
import { test } from "node:test";
import { metadataSource, shared } from "../../src/client/inherit.ts";
import { newMetadata } from "../../src/metadata.ts";

const handlers = newMetadata({
  "Micro-Trace-Id": "trace",
  "Micro-Span-Id": "span",
  "Micro-Namespace": "namespace",
  "Micro-From-Service": "caller",
  "X-Request-Id": "request",
  traceparent: "parent",
  tracestate: "state",
  baggage: "bags",
  Authorization: "Bearer secret",
  "Micro-Stream": "7",
  "Micro-Topic": "topic",
  Timeout: "1",
  Connection: "close",
  "Content-Type": "application/protobuf",
  "User-Agent": "Go-http-client/1.1",
  "X-Tenant": "acme",
  "X-Tenant-Region": "eu",
  Local: "127.0.0.1:1",
  Remote: "127.0.0.1:2",
});

const traces = {
  "Micro-Trace-Id": "trace",
  "Micro-Span-Id": "span",
  "Micro-Namespace": "namespace",
  "X-Request-Id": "request",
  Traceparent: "parent",
  Tracestate: "state",
  Baggage: "bags",
};

test("a nested call inherits traces, namespace and request id, and no token", () => {
  assert.deepEqual({ ...metadataSource([])(undefined, handlers) }, traces);
});

test("more can be named, in any case or by prefix", () => {
  assert.deepEqual(
    { ...metadataSource(["x-tenant*"])(undefined, handlers) },
    {
      ...traces,
      "X-Tenant": "acme",
      "X-Tenant-Region": "eu",
    },
  );
  const named = metadataSource(["authorization", "x-tenant"])(undefined, handlers);
  assert.deepEqual({ ...named }, { ...traces, Authorization: "Bearer secret", "X-Tenant": "acme" });
});

test("a prefix of everything means neither the token nor what mucp writes itself", () => {
  assert.deepEqual(
    { ...metadataSource(["*"])(undefined, handlers) },
    {
      ...traces,
      "Micro-From-Service": "caller",
      "User-Agent": "Go-http-client/1.1",
      "X-Tenant": "acme",
      "X-Tenant-Region": "eu",
    },
  );
});

test("the call's own metadata counts more, whatever its case, and can't make it another message", () => {
  const own = {
    "x-request-id": "mine",
    "micro-topic": "t",
    "Micro-Stream": "1",
    "MICRO-ERROR": "EOS",
    "x-a": "1",
  };
  const metadata = metadataSource([])(own, handlers);
  assert.deepEqual({ ...metadata }, { ...traces, "X-Request-Id": "mine", "X-A": "1" });
  assert.deepEqual(Object.keys(own).length, 5, "the caller's map is left as it is");
});

test("every message has a map of its own, without a prototype", () => {
  const source = metadataSource([]);
  const metadata = source(undefined, undefined);
  assert.equal(Object.getPrototypeOf(metadata), null);
  assert.notEqual(source(undefined, undefined), metadata);
});

test("readers share the map of nothing and that of a frozen one, which nobody can change", () => {
  const source = shared(metadataSource([]));
  assert.equal(source(undefined, undefined), source(undefined, undefined));
  const own = Object.freeze(newMetadata({ "x-tenant": "acme", timeout: "1" }));
  const made = source(own, undefined);
  assert.deepEqual({ ...made }, { "X-Tenant": "acme" });
  assert.equal(source(own, undefined), made);
  assert.ok(Object.isFrozen(made));
  assert.deepEqual({ ...source(undefined, undefined) }, {});
  assert.deepEqual({ ...source(own, handlers) }, { ...traces, "X-Tenant": "acme" });

  const changing = newMetadata({ a: "1" });
  source(changing, undefined);
  changing.A = "2";
  assert.deepEqual({ ...source(changing, undefined) }, { A: "2" });
});
