/** Services that find each other by NATS: v2 with its plugin, v5 with what it brings along. */
import { after, before, describe } from "node:test";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { v2, v5 } from "../src/go-micro.ts";
import { registryRows } from "../src/rows/registry-rows.ts";

describe("on NATS", { skip: nats().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  registryRows([v2, v5], {
    flags: () => ["--registry=nats", `--registry_address=${server.address}`],
    leases: false,
  });
});
