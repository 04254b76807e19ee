/** What go-micro v2.9.1 writes and reads (go-plugins `registry/consul`), looked at without our code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { consul, startConsul } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";
import { registrationOf } from "../src/record.ts";
import { decodeTags } from "../src/tags.ts";
import { ask, found, record, serviceOf, until } from "./bench.ts";

const { skip } = consul();

/** As the plugin sends it, but for the order of the tags of metadata, which Go leaves to chance. */
const recorded = {
  ID: "go.micro.srv.greeter-5f1e6d0c-6f6e-4c59-8f7b-0a4d7c2f9b11",
  Name: "go.micro.srv.greeter",
  Tags: [
    "t-789cab562a28ca2fc94fcecf51b2524a2f2a4856aa0500468306d9",
    "t-789cab562a4a4dcf2c2e29aa54b2524acecf2b2ecd51aa0500560f07c8",
    "t-789cab562a4e2d2a4b2d52b2524a2f2a4856aa050036fa05fe",
    "t-789cab562a294acc2b2ec82f2a51b2524a2f2a4856aa05004f4c0754",
    "t-789cab564a2acacf4e2d52b252ca28292950aa0500364d0600",
    "e-789cab56ca4bcc4d55b2520a4eacd4f348cdc9c957d2512a4a2d2c4d2d2e51b2aa86c906414574944a2a0b5005ca1273802c25ab68b862300557595c529499978ea430af3427a736b616644d71417e5e712a8a3d5021248be0229836e516a71363516e6a49624a624922d0a2da5a005f6d51da",
    "v-789ccb492c492d2e010008cc028e",
  ],
  Port: 38201,
  Address: "192.168.1.10",
  Check: { TTL: "1m0s", DeregisterCriticalServiceAfter: "1m5s" },
};

test("go-micro's registration, read by us and written again, is the same", { skip }, async () => {
  await using server = await startConsul();
  await using registry = newRegistry({ addresses: [server.address] });
  await ask(server.address, "agent/service/register", { method: "PUT", body: recorded });
  await until("it stands in the catalog", async () => {
    const services = (await ask(server.address, "catalog/services")) as object;
    return recorded.Name in services;
  });
  assert.deepEqual(await registry.getService(recorded.Name), [], "its check has not passed yet");
  await ask(server.address, `agent/check/pass/service:${recorded.ID}`, { method: "PUT" });
  await until("it can be called", async () => (await found(registry, recorded.Name)).length === 1);
  const [service] = await registry.getService(recorded.Name);
  const [node] = service?.nodes ?? [];
  assert.ok(service && node);
  assert.equal(service.version, "latest");
  assert.deepEqual(node, {
    id: recorded.ID,
    address: "192.168.1.10:38201",
    metadata: { protocol: "grpc", registry: "consul", server: "grpc", transport: "grpc", broker: "http" },
  });
  const written = registrationOf(service, node, 60_000) as typeof recorded;
  assert.deepEqual(inflated(written), inflated(recorded));
});

/** Two compressors may differ in their bytes: what counts is what a tag stands for. */
function inflated({ Tags, ...rest }: typeof recorded): object {
  const texts = Tags.map((tag) => tag.slice(0, 2) + inflateSync(Buffer.from(tag.slice(2), "hex")));
  return { ...rest, Tags: texts };
}

test("Consul removes a node for good after the TTL and five seconds, never before a minute", () => {
  const service = serviceOf("removed", "a");
  const [node] = service.nodes;
  assert.ok(node);
  const checkFor = (ttlMs: number): object | undefined =>
    (registrationOf(service, node, ttlMs) as { Check?: object }).Check;
  assert.equal(checkFor(0), undefined);
  assert.deepEqual(checkFor(10_000), { TTL: "10s", DeregisterCriticalServiceAfter: "1m5s" });
  assert.deepEqual(checkFor(90_000), { TTL: "1m30s", DeregisterCriticalServiceAfter: "1m35s" });
});

interface HealthEntry {
  Service: object;
  Checks?: { ServiceName: string }[];
}

test("registering again tells nobody, and repairs what others did", { skip }, async () => {
  const name = "renewed";
  await using server = await startConsul();
  await using registry = newRegistry({ addresses: [server.address] });
  const greeter = serviceOf(name, "a");
  const put = (path: string, body?: object) =>
    ask(server.address, path, { method: "PUT", ...(body && { body }) });
  const register = () => registry.register(greeter, { ttlMs: 60_000 });
  // With the indexes of their last changes; the agent's own check is not ours.
  const entry = async () => {
    const [found] = (await ask(server.address, `health/service/${name}`)) as [HealthEntry];
    return [found.Service, found.Checks?.filter(({ ServiceName }) => ServiceName === name)];
  };
  const isThere = async () => (await found(registry, name)).length === 1;

  await register();
  await until("it is there", isThere);
  const first = await entry();
  await register();
  assert.deepEqual(await entry(), first);

  await put(`agent/check/fail/service:${name}-a`);
  await until("its check has failed", async () => !(await isThere()));
  await register();
  await until("it is back", isThere);

  await put("agent/service/register", { ID: `${name}-a`, Name: name, Port: 1, Address: "10.9.9.9" });
  const addressIs = async (address: string) =>
    (await registry.getService(name))[0]?.nodes[0]?.address === address;
  await until("others have changed it", () => addressIs("10.9.9.9:1"));
  await register();
  await until("it is as it was", () => addressIs("10.0.0.1:8000"));

  await put(`agent/service/deregister/${name}-a`);
  await until("others have removed it", async () => !(await isThere()));
  await register();
  await until("it is there again", isThere);
});

test("addresses of IPv6 and names without port come back; ids may hold anything", { skip }, async () => {
  const name = "odd/näme";
  await using server = await startConsul();
  await using registry = newRegistry({ addresses: [server.address] });
  const addresses = ["[fd00::1]:8080", "queue-name", "host.example:80"];
  const service = {
    ...serviceOf(name),
    nodes: addresses.map((address, index) => ({ id: `${name} ${index}/?#é`, address, metadata: {} })),
  };
  await registry.register(service, { ttlMs: 60_000 });
  const nodes = async () => (await registry.getService(name)).flatMap((found) => found.nodes);
  await until("all are there", async () => (await nodes()).length === addresses.length);
  assert.deepEqual(await nodes(), service.nodes);
  await registry.deregister(service);
  await until("all have gone", async () => (await nodes()).length === 0);
});

test("services that are not go-micro's are found as they are, by watchers too", { skip }, async () => {
  await using server = await startConsul();
  await using registry = newRegistry({ addresses: [server.address] });
  const names = async () => (await registry.listServices()).map(({ name, version }) => [name, version]);
  await until("Consul's own service is there", async () => (await names()).length === 1);
  const everything = record(await registry.watch());
  await ask(server.address, "agent/service/register", {
    method: "PUT",
    body: { ID: "pg-1", Name: "pg", Port: 5432, Tags: ["traefik.enable=true", "t", "e", "vip", "e-zz"] },
  });
  await until("it is told", () => everything.changes.includes("create 1"));
  const [service] = await registry.getService("pg");
  assert.deepEqual(service, {
    ...{ name: "pg", version: "", metadata: {}, endpoints: [] },
    nodes: [{ id: "pg-1", address: "127.0.0.1:5432", metadata: {} }],
  });
  assert.deepEqual(await names(), [
    ["consul", ""],
    ["pg", ""],
  ]);
  await ask(server.address, "agent/service/deregister/pg-1", { method: "PUT" });
  await until("its end is told", () => everything.changes.includes("delete 1"));
});

test("the plain form before is read, and of two forms the first one counts", () => {
  const plain = ['t={"a":"1"}', 'e={"name":"Say.Hello"}', "v=1.2.3", "t-789cab564a54b2524a52aa05000c70027e"];
  const { version, metadata, endpoints } = decodeTags(plain);
  assert.equal(version, "1.2.3");
  assert.deepEqual(metadata, { a: "1" });
  assert.deepEqual(
    endpoints.map(({ name }) => name),
    ["Say.Hello"],
  );
});
