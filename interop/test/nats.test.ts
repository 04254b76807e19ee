/** Publishing on one nats-server. */
import { after, before, describe } from "node:test";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { v2, v5 } from "../src/go-micro.ts";
import { publishingRows } from "../src/rows/publishing-rows.ts";

describe("publishing on NATS", { skip: nats().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  publishingRows([v2, v5], {
    flags: () => ["--broker=nats", `--broker_address=${server.address}`, "--registry=memory"],
  });
});
