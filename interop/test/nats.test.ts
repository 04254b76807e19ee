/** Services of ts-micro and of go-micro v2.9.1 that publish and subscribe on one nats-server. */
import { after, before, describe } from "node:test";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { goPubsub } from "../src/v2/publishing-peers.ts";
import { publishingRows } from "../src/v2/publishing-rows.ts";

describe("publishing on NATS", { skip: goPubsub.skip || nats().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startNats();
  });
  after(() => server[Symbol.asyncDispose]());

  publishingRows(() => ["--broker=nats", `--broker_address=${server.address}`, "--registry=memory"]);
});
