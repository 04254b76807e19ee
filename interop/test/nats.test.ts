/** Services of ts-micro and of go-micro v2.9.1 that publish and subscribe on one nats-server. */
import { after, before, describe } from "node:test";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { v2 } from "../src/go-micro.ts";
import { publishingRows } from "../src/v2/publishing-rows.ts";

describe("publishing on NATS", { skip: v2.program("pubsub").skip || nats().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  publishingRows(v2, () => ["--broker=nats", `--broker_address=${server.address}`, "--registry=memory"]);
});
