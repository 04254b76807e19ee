/** Publishing between ours and go-micro's modern line on one nats-server. */
import { after, before, describe } from "node:test";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { v5 } from "../src/go-micro.ts";
import { publishingRows } from "../src/v2/publishing-rows.ts";

describe("publishing on NATS", { skip: v5.program("pubsub").skip || nats().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  publishingRows(v5, () => ["--broker=nats", `--broker_address=${server.address}`, "--registry=memory"]);
});
