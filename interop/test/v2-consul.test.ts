/** Services of ts-micro and of go-micro v2.9.1 that find each other in Consul. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inflateSync } from "node:zlib";
import { consul, type ServerProcess, startConsul } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-consul";
import { newService, type Service } from "ts-micro";
import type { Service as Record } from "ts-micro/registry";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { goProgram } from "../src/go-program.ts";
import { serve } from "../src/program.ts";
import { goCall } from "../src/v2/go-client.ts";
import { serveGreeter } from "../src/v2/greeter.ts";

const goServer = goProgram("v2", "server");

describe("on Consul", { skip: goServer.skip || consul().skip }, () => {
  let server: ServerProcess;
  let flags: string[];
  before(async () => {
    server = await startConsul();
    flags = ["--registry=consul", `--registry_address=${server.address}`];
  });
  after(() => server[Symbol.asyncDispose]());

  /** A greeter of go-micro that Consul forgets two seconds after its end. */
  function serveGo(name: string) {
    const own = ["--server_address=127.0.0.1:0", "--register_ttl=2", "--register_interval=1"];
    return serve(goServer.path, [...flags, ...own], /listening on \S+/, { SERVICE: name });
  }

  function newGrpcService(name: string): Service {
    const argv = [...flags, "--server_address=127.0.0.1:0", "--client_request_timeout=20s"];
    return newService({ name, client: "grpc", server: "grpc", argv, env: { MICRO_LOG_LEVEL: "error" } });
  }

  test("found and called: ts-micro → go-micro v2.9.1", async () => {
    await using _ = await serveGo("consul.go");
    const service = newGrpcService("consul.caller");
    await service.init();
    try {
      assert.equal(
        (await service.for(Greeter, { service: "consul.go" }).hello({ name: "John" })).name,
        "Hello John",
      );
    } finally {
      await service.stop();
    }
  });

  test("found and called: go-micro v2.9.1 → ts-micro", async () => {
    const service = newGrpcService("consul.ours");
    serveGreeter(service);
    await service.init();
    await service.start();
    try {
      const requests = [{ name: "John" }];
      const outcome = await goCall({ service: "consul.ours", endpoint: "Greeter.Hello", requests }, flags);
      assert.deepEqual(outcome, { answers: [{ name: "Hello John" }], error: null, text: "" });
    } finally {
      await service.stop();
    }
  });

  test("told when it comes, and when its TTL runs out: ts-micro → go-micro v2.9.1", async () => {
    await using registry = newRegistry({ addresses: [server.address] });
    const watcher = await registry.watch({ service: "consul.watched" });
    const go = await serveGo("consul.watched");
    const told: string[] = [];
    for await (const { action, service } of watcher) {
      assert.deepEqual(
        service.nodes.map(({ metadata }) => metadata.registry),
        ["consul"],
      );
      told.push(action);
      if (action === "delete") break;
      await go[Symbol.asyncDispose]();
    }
    assert.deepEqual(told, ["create", "delete"]);
    assert.deepEqual(await registry.getService("consul.watched"), []);
  });

  test("its entry, read and written again, is the same to the byte: ts-micro → go-micro v2.9.1", async () => {
    await using registry = newRegistry({ addresses: [server.address] });
    const go = await serveGo("consul.bytes");
    const [service] = await registry.getService("consul.bytes");
    assert.ok(service);
    const written = await entryOf(service);
    await go[Symbol.asyncDispose]();
    await registry.deregister(service);
    await registry.register(service, { ttlMs: 2_000 });
    assert.deepEqual(await entryOf(service), written);
  });

  /** What the agent has of its only node; tags as the texts that they stand for, as go-micro writes them in any order. */
  async function entryOf({ nodes }: Record): Promise<unknown> {
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
