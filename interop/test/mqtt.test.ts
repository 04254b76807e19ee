/** Publishing on one Mosquitto; of go-micro's versions only v2 has a plugin for it. */
import { after, before, describe } from "node:test";
import { mosquitto, type ServerProcess, startMosquitto } from "@ts-micro/conformance";
import { v2 } from "../src/go-micro.ts";
import { publishingRows } from "../src/rows/publishing-rows.ts";

describe("publishing on MQTT", { skip: mosquitto().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startMosquitto();
  });
  after(() => server[Symbol.asyncDispose]());

  publishingRows([v2], {
    flags: () => ["--broker=mqtt", `--broker_address=tcp://${server.address}`, "--registry=memory"],
    queues: false,
  });
});
