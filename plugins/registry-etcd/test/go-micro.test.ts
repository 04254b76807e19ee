/** What go-micro v2.9.1 writes and reads (`registry/etcd/etcd.go`), looked at without our code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { etcd, startEtcd } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";
import { ask, base64, record, serviceOf, until } from "./bench.ts";

const { skip } = etcd();
const id = "go.micro.srv.greeter-5f1e6d0c-6f6e-4c59-8f7b-0a4d7c2f9b11";
const key = `/micro/registry/go.micro.srv.greeter/${id}`;
const value = `{"name":"go.micro.srv.greeter","version":"latest","metadata":null,"endpoints":[{"name":"Say.Hello","request":{"name":"Request","type":"Request","values":[{"name":"name","type":"string","values":null}]},"response":{"name":"Response","type":"Response","values":[{"name":"msg","type":"string","values":null}]},"metadata":{}}],"nodes":[{"id":"${id}","address":"192.168.1.10:38201","metadata":{"broker":"http","protocol":"grpc","registry":"etcd","server":"grpc","transport":"grpc"}}]}`;

interface Entry {
  key: string;
  value: string;
  lease?: string;
  version: string;
}

async function entries(address: string): Promise<Entry[]> {
  const range = { key: base64("/"), range_end: base64("0") };
  return ((await ask(address, "kv/range", range)) as { kvs?: Entry[] }).kvs ?? [];
}

test("keys and values are go-micro's to the byte, below a lease of whole seconds", { skip }, async () => {
  await using server = await startEtcd();
  await using registry = newRegistry({ addresses: [server.address] });
  await ask(server.address, "kv/put", { key: base64(key), value: base64(value) });
  const [service] = await registry.getService("go.micro.srv.greeter");
  assert.ok(service);
  await registry.deregister(service);
  assert.deepEqual(await entries(server.address), []);

  await registry.register(service, { ttlMs: 59_001 });
  const [entry] = await entries(server.address);
  assert.ok(entry);
  assert.equal(Buffer.from(entry.key, "base64").toString(), key);
  assert.equal(Buffer.from(entry.value, "base64").toString(), value);
  const lease = (await ask(server.address, "lease/timetolive", { ID: entry.lease })) as {
    grantedTTL: string;
  };
  assert.equal(lease.grantedTTL, "60");
});

test("registering again renews the lease and writes nothing, also when others wrote", { skip }, async () => {
  await using server = await startEtcd();
  await using registry = newRegistry({ addresses: [server.address] });
  const greeter = serviceOf("renewed", "a");
  await registry.register(greeter, { ttlMs: 60_000 });
  const [first] = await entries(server.address);
  assert.ok(first);
  await registry.register(greeter, { ttlMs: 60_000 });
  assert.deepEqual(await entries(server.address), [first]);

  await ask(server.address, "kv/put", { key: first.key, value: base64("not ours") });
  await registry.register(greeter, { ttlMs: 60_000 });
  const [second] = await entries(server.address);
  assert.equal(second?.value, first.value);
  assert.equal(second?.lease, first.lease);

  await ask(server.address, "lease/revoke", { ID: first.lease });
  assert.deepEqual(await entries(server.address), []);
  await registry.register(greeter, { ttlMs: 60_000 });
  const [third] = await entries(server.address);
  assert.equal(third?.value, first.value);
  assert.notEqual(third?.lease, first.lease);
});

test("slashes become dashes in keys only, and services that differ there stay apart", { skip }, async () => {
  await using server = await startEtcd();
  await using registry = newRegistry({ addresses: [server.address] });
  const watched = record(await registry.watch({ service: "team/greeter" }));
  await registry.register(serviceOf("team-greeter", "b"));
  await registry.register(serviceOf("team/greeter", "a/1"));
  const keys = (await entries(server.address)).map((entry) => Buffer.from(entry.key, "base64").toString());
  assert.deepEqual(keys, [
    "/micro/registry/team-greeter/team-greeter-a-1",
    "/micro/registry/team-greeter/team-greeter-b",
  ]);
  assert.deepEqual(await registry.getService("team/greeter"), [serviceOf("team/greeter", "a/1")]);
  await until("the change", () => watched.changes.length > 0);
  assert.deepEqual(watched.changes, ["create a/1"]);
});

test("entries that are no records are passed over", { skip }, async () => {
  await using server = await startEtcd();
  await using registry = newRegistry({ addresses: [server.address] });
  const watched = record(await registry.watch({ service: "beside" }));
  await ask(server.address, "kv/put", { key: base64("/micro/registry/beside/broken"), value: base64("{") });
  await ask(server.address, "kv/put", { key: base64("/micro/registry/beside/empty") });
  await registry.register(serviceOf("beside", "a"));
  assert.deepEqual(await registry.listServices(), [serviceOf("beside", "a")]);
  await until("the change", () => watched.changes.length > 0);
  assert.deepEqual(watched.changes, ["create a"]);
});
