/** Two agents of one cluster: a node may stand at both. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { consul, startConsul } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";
import { ask, found, record, serviceOf, until } from "./bench.ts";

const { skip } = consul();

async function nodesIn(address: string, path: string): Promise<string[]> {
  return Object.keys((await ask(address, path)) as object);
}

test("a service whose agent dies turns to another one, is found once, and is gone from both when it leaves", {
  skip,
}, async () => {
  const name = "two-agents";
  await using server = await startConsul();
  const { Member } = (await ask(server.address, "agent/self")) as { Member: { Port: number } };
  await using client = await startConsul({ join: `127.0.0.1:${Member.Port}` });
  await using registry = newRegistry({ addresses: [client.address, server.address] });
  await using observer = newRegistry({ addresses: [server.address], holdMs: 500 });
  const watched = record(await observer.watch({ service: name }));
  const register = () => registry.register(serviceOf(name, "a"), { ttlMs: 60_000 });

  await register();
  await until("it is found", async () => (await found(observer, name)).length === 1);
  assert.deepEqual(await nodesIn(client.address, "agent/services"), [`${name}-a`]);
  await client.kill();
  await register();
  assert.deepEqual(await nodesIn(server.address, "agent/services"), [`${name}-a`]);
  await client.start();
  const entries = async () => (await ask(server.address, `health/service/${name}`)) as unknown[];
  await until("it stands at both", async () => (await entries()).length === 2);
  assert.deepEqual(await found(observer, name), ["a"]);

  await registry.deregister(serviceOf(name, "a"));
  await until("it is gone from both", async () => (await entries()).length === 0);
  await until("its end is told", () => watched.changes.length > 1);
  assert.deepEqual(watched.changes, ["create a", "delete a"]);
});
