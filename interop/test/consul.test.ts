/** Services that find each other in Consul. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inflateSync } from "node:zlib";
import { consul, type ServerProcess, startConsul } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-consul";
import type { Service } from "ts-micro/registry";
import { v2, v5 } from "../src/go-micro.ts";
import { newName } from "../src/new-name.ts";
import { serve } from "../src/program.ts";
import { registryRows } from "../src/rows/registry-rows.ts";
import { until } from "../src/until.ts";

describe("on Consul", { skip: consul().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startConsul();
  });
  after(() => server[Symbol.asyncDispose]());
  const flags = () => ["--registry=consul", `--registry_address=${server.address}`];

  registryRows([v2, v5], { flags, leases: true });

  // v5 writes a node's metadata twice, in tags as v2's plugin and ours do, and as Consul's own, which nobody reads.
  const row = "its entry, read and written again, is the same";
  test(`${row}: ${v2.toGo}`, { skip: v2.program("server").skip }, async () => {
    const name = newName();
    await using registry = newRegistry({ addresses: [server.address] });
    const lease = ["--register_ttl=2", "--register_interval=1"];
    const args = [...flags(), `--server_name=${name}`, "--server_address=127.0.0.1:0", ...lease];
    const program = await serve(v2.program("server").path, args, /listening on \S+/, { SERVICE: name });
    await until(async () => (await registry.getService(name)).length > 0);
    const [service] = await registry.getService(name);
    assert.equal(service?.nodes[0]?.metadata.registry, "consul");
    const written = await entryOf(service);
    await program[Symbol.asyncDispose]();
    await registry.deregister(service);
    await registry.register(service, { ttlMs: 2_000 });
    assert.deepEqual(await entryOf(service), written);
  });

  /** What the agent has of its only node; tags as the texts that they stand for, as go-micro writes them in any order. */
  async function entryOf({ nodes }: Service): Promise<unknown> {
    const answer = await fetch(`http://${server.address}/v1/agent/service/${nodes[0]?.id}`);
    const {
      Tags,
      ContentHash: _,
      ...entry
    } = (await answer.json()) as { Tags: string[]; ContentHash: string };
    const inflate = (tag: string): string =>
      tag.slice(0, 2) + inflateSync(Buffer.from(tag.slice(2), "hex")).toString();
    return { ...entry, tags: Tags.map(inflate).sort() };
  }
});
