/** Services of ts-micro and of go-micro's modern line that find each other in etcd. */
import { after, before, describe } from "node:test";
import { etcd, type ServerProcess, startEtcd } from "@ts-micro/conformance";
import { v5 } from "../src/go-micro.ts";
import { registryRows } from "../src/v2/registry-rows.ts";

describe("on etcd", { skip: v5.program("registry").skip || etcd().skip, timeout: 150_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startEtcd();
  });
  after(() => server[Symbol.asyncDispose]());

  registryRows(v5, () => ["--registry=etcd", `--registry_address=${server.address}`], { leases: true });
});
