/** One member after the other of a cluster of three is killed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { etcd, startEtcdCluster } from "@ts-micro/conformance";
import { newRegistry } from "../src/index.ts";
import { record, recordedLogger, serviceOf, until } from "./bench.ts";

test("whichever member of a cluster is killed: registering, looking up and watching go on", {
  skip: etcd().skip,
}, async () => {
  await using cluster = await startEtcdCluster();
  const { logger } = recordedLogger();
  await using registry = newRegistry({ addresses: cluster.addresses, logger });
  const watched = record(await registry.watch({ service: "cluster" }));
  const found = async () => (await registry.getService("cluster")).flatMap(({ nodes }) => nodes);
  const expected: string[] = [];
  const registered = async (id: string): Promise<void> => {
    await registry.register(serviceOf("cluster", id), { ttlMs: 60_000 });
    expected.push(`create ${id}`);
    await until(`the watch tells ${id}`, () => watched.changes.length === expected.length);
    await until(`${id} is found`, async () => (await found()).length === expected.length);
  };

  await registered("before");
  for (const [index, member] of cluster.members.entries()) {
    await member.kill();
    await registered(`without-${index}`);
    await member.start();
  }
  assert.deepEqual(watched.changes, expected);
});
