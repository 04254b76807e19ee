/** Services that find each other in etcd. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { etcd, type ServerProcess, startEtcd } from "@ts-micro/conformance";
import { serviceFromJson, serviceToJson } from "ts-micro/registry";
import { v2, v5 } from "../src/go-micro.ts";
import { newName } from "../src/new-name.ts";
import { serve } from "../src/program.ts";
import { registryRows } from "../src/rows/registry-rows.ts";

describe("on etcd", { skip: etcd().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startEtcd();
  });
  after(() => server[Symbol.asyncDispose]());
  const flags = () => ["--registry=etcd", `--registry_address=${server.address}`];

  registryRows([v2, v5], { flags, leases: true });

  for (const go of [v2, v5]) {
    const row = "its record, read and written again, is the same";
    test(`${row}: ${go.toGo}`, { skip: go.program("server").skip }, async () => {
      const name = newName();
      const args = [...flags(), `--server_name=${name}`, "--server_address=127.0.0.1:0"];
      await using _ = await serve(go.program("server").path, args, /listening on \S+/, { SERVICE: name });
      const [key, range_end] = [`${name}/`, `${name}0`].map((end) =>
        Buffer.from(`/micro/registry/${end}`).toString("base64"),
      );
      const body = JSON.stringify({ key, range_end });
      const answer = await fetch(`http://${server.address}/v3/kv/range`, { method: "POST", body });
      const { kvs } = (await answer.json()) as { kvs: { value: string }[] };
      const written = Buffer.from(kvs[0]?.value ?? "", "base64").toString();
      const again = serviceToJson(serviceFromJson(written));
      // To the byte with v2.9.1, whose order of members ours is.
      if (go === v2) assert.equal(again, written);
      assert.deepEqual(JSON.parse(again), JSON.parse(written));
    });
  }
});
