/** Services of ts-micro and of go-micro's modern line that find each other in Consul. */
import { after, before, describe } from "node:test";
import { consul, type ServerProcess, startConsul } from "@ts-micro/conformance";
import { v5 } from "../src/go-micro.ts";
import { registryRows } from "../src/v2/registry-rows.ts";

describe("on Consul", { skip: v5.program("registry").skip || consul().skip, timeout: 150_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startConsul();
  });
  after(() => server[Symbol.asyncDispose]());

  registryRows(v5, () => ["--registry=consul", `--registry_address=${server.address}`], { leases: true });
});
