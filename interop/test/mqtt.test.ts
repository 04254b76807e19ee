/** Services of ts-micro and of go-micro v2.9.1 that publish and subscribe on one Mosquitto. */
import { after, before, describe } from "node:test";
import { mosquitto, type ServerProcess, startMosquitto } from "@ts-micro/conformance";
import { v2 } from "../src/go-micro.ts";
import { eventRows } from "../src/v2/publishing-rows.ts";

const skip = v2.program("pubsub").skip || mosquitto().skip;

describe("publishing on MQTT", { skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startMosquitto();
  });
  after(() => server[Symbol.asyncDispose]());

  eventRows(v2, () => ["--broker=mqtt", `--broker_address=tcp://${server.address}`, "--registry=memory"]);
});
