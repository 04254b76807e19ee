/** Services of ts-micro and of go-micro v2.9.1 that find each other in etcd. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { etcd, type ServerProcess, startEtcd } from "@ts-micro/conformance";
import { newService, type Service } from "ts-micro";
import { serviceFromJson, serviceToJson } from "ts-micro/registry";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { v2 } from "../src/go-micro.ts";
import { serve } from "../src/program.ts";
import { goCall } from "../src/v2/go-client.ts";
import { serveGreeter } from "../src/v2/greeter.ts";
import { registryRows } from "../src/v2/registry-rows.ts";

const goServer = v2.program("server");

describe("on etcd", { skip: goServer.skip || etcd().skip, timeout: 150_000 }, () => {
  let server: ServerProcess;
  let flags: string[];
  before(async () => {
    server = await startEtcd();
    flags = ["--registry=etcd", `--registry_address=${server.address}`];
  });
  after(() => server[Symbol.asyncDispose]());

  /** A greeter of go-micro that etcd forgets two seconds after its end. */
  function serveGo(name: string) {
    const own = ["--server_address=127.0.0.1:0", "--register_ttl=2", "--register_interval=1"];
    return serve(goServer.path, [...flags, ...own], /listening on \S+/, { SERVICE: name });
  }

  function newGrpcService(name: string): Service {
    const argv = [...flags, "--server_address=127.0.0.1:0", "--client_request_timeout=20s"];
    return newService({ name, client: "grpc", server: "grpc", argv, env: { MICRO_LOG_LEVEL: "error" } });
  }

  test("found and called: ts-micro → go-micro v2.9.1", async () => {
    await using _ = await serveGo("etcd.go");
    const service = newGrpcService("etcd.caller");
    await service.init();
    try {
      assert.equal(
        (await service.for(Greeter, { service: "etcd.go" }).hello({ name: "John" })).name,
        "Hello John",
      );
    } finally {
      await service.stop();
    }
  });

  test("found and called: go-micro v2.9.1 → ts-micro", async () => {
    const service = newGrpcService("etcd.ours");
    serveGreeter(service);
    await service.init();
    await service.start();
    try {
      const requests = [{ name: "John" }];
      const outcome = await goCall({ service: "etcd.ours", endpoint: "Greeter.Hello", requests }, flags);
      assert.deepEqual(outcome, { answers: [{ name: "Hello John" }], error: null, text: "" });
    } finally {
      await service.stop();
    }
  });

  registryRows(v2, () => flags, { leases: true });

  test("its record, read and written again, is the same to the byte: ts-micro → go-micro v2.9.1", async () => {
    await using _ = await serveGo("etcd.bytes");
    const [key, range_end] = ["etcd.bytes/", "etcd.bytes0"].map((end) =>
      Buffer.from(`/micro/registry/${end}`).toString("base64"),
    );
    const body = JSON.stringify({ key, range_end });
    const answer = await fetch(`http://${server.address}/v3/kv/range`, { method: "POST", body });
    const { kvs } = (await answer.json()) as { kvs: { value: string }[] };
    const written = Buffer.from(kvs[0]?.value ?? "", "base64").toString();
    assert.equal(serviceToJson(serviceFromJson(written)), written);
  });
});
