import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import {
  readService,
  resultFromJson,
  resultToJson,
  serviceFromJson,
  serviceToJson,
} from "../../src/registry/json.ts";
import type { Service } from "../../src/registry/registry.ts";

const greeter: Service = {
  name: "go.micro.srv.greeter",
  version: "latest",
  metadata: {},
  endpoints: [
    {
      name: "Say.Hello",
      request: { name: "Request", type: "Request", values: [{ name: "name", type: "string", values: [] }] },
      response: { name: "Response", type: "Response", values: [{ name: "msg", type: "string", values: [] }] },
      metadata: {},
    },
  ],
  nodes: [
    {
      id: "go.micro.srv.greeter-5f1e6d0c-6f6e-4c59-8f7b-0a4d7c2f9b11",
      address: "192.168.1.10:38201",
      metadata: { transport: "grpc", broker: "http", protocol: "grpc", registry: "etcd", server: "grpc" },
    },
  ],
};

// What a go-micro v2.9.1 service writes into etcd.
const greeterJson =
  '{"name":"go.micro.srv.greeter","version":"latest","metadata":null,"endpoints":[{"name":"Say.Hello","request":{"name":"Request","type":"Request","values":[{"name":"name","type":"string","values":null}]},"response":{"name":"Response","type":"Response","values":[{"name":"msg","type":"string","values":null}]},"metadata":{}}],"nodes":[{"id":"go.micro.srv.greeter-5f1e6d0c-6f6e-4c59-8f7b-0a4d7c2f9b11","address":"192.168.1.10:38201","metadata":{"broker":"http","protocol":"grpc","registry":"etcd","server":"grpc","transport":"grpc"}}]}';

test("a record is written to the byte as go-micro v2.9.1 writes it, and read back", () => {
  assert.equal(serviceToJson(greeter), greeterJson);
  assert.deepEqual(serviceFromJson(greeterJson), greeter);
});

test("go-micro v6's order of members makes no difference", () => {
  const v6 =
    '{"name":"a","version":"1","metadata":{"k":"v"},"endpoints":[{"request":null,"response":null,"metadata":{"stream":"true"},"name":"A.B"}],"nodes":[{"metadata":{"protocol":"mucp"},"id":"a-1","address":"[::1]:1"}]}';
  assert.deepEqual(serviceFromJson(v6), {
    name: "a",
    version: "1",
    metadata: { k: "v" },
    endpoints: [{ name: "A.B", request: null, response: null, metadata: { stream: "true" } }],
    nodes: [{ id: "a-1", address: "[::1]:1", metadata: { protocol: "mucp" } }],
  });
});

test("map keys are sorted by bytes and texts escaped as Go does", () => {
  const service: Service = {
    name: "<a&b>",
    version: "\u2028\u2029é",
    metadata: { "10": "x", "9": "y", "\u{1f600}": "z", "\uffee": "w" },
    endpoints: [],
    nodes: [],
  };
  assert.equal(
    serviceToJson(service),
    '{"name":"\\u003ca\\u0026b\\u003e","version":"\\u2028\\u2029é","metadata":{"10":"x","9":"y","\uffee":"w","\u{1f600}":"z"},"endpoints":null,"nodes":null}',
  );
  assert.deepEqual(serviceFromJson(serviceToJson(service)), service);
});

test("whatever a foreign writer left out, misspelt or added is forgiven", () => {
  assert.deepEqual(
    readService({
      NAME: "a",
      Version: "1",
      endpoints: [null, { Name: "A.B", request: "x", metadata: null }],
      Nodes: [{ ID: "a-1", Address: "1.2.3.4:5", Metadata: { a: "b", n: 1, o: {} } }],
      newMember: true,
    }),
    {
      name: "a",
      version: "1",
      metadata: {},
      endpoints: [
        { name: "", request: null, response: null, metadata: {} },
        { name: "A.B", request: null, response: null, metadata: {} },
      ],
      nodes: [{ id: "a-1", address: "1.2.3.4:5", metadata: { a: "b" } }],
    },
  );
  for (const odd of [null, undefined, 3, "x", []]) assert.equal(readService(odd).name, "");
});

test("a key named __proto__ is only a key, and endless nesting ends", () => {
  const read = serviceFromJson('{"metadata":{"__proto__":"x"}}');
  assert.deepEqual(Object.entries(read.metadata), [["__proto__", "x"]]);
  assert.equal(serviceToJson(read).includes('"metadata":{"__proto__":"x"}'), true);

  const deep = `{"endpoints":[{"request":${'{"values":['.repeat(20_000)}${"]}".repeat(20_000)}}]}`;
  assert.equal(serviceFromJson(deep).endpoints.length, 1);
});

test("text that is no record is a decode error that says so", () => {
  for (const json of ["", "{", "[]", "null", '"x"']) {
    assert.throws(
      () => serviceFromJson(json),
      (error) => MicroError.is(error) && error.reason === "decode-failed",
    );
  }
});

test("a watch result has capital members", () => {
  const json = resultToJson({ action: "create", service: greeter });
  assert.equal(json, `{"Action":"create","Service":${greeterJson}}`);
  assert.deepEqual(resultFromJson(json), { action: "create", service: greeter });
  assert.throws(() => resultFromJson('{"Action":"get","Service":null}'), /its action is "get"/);
});
