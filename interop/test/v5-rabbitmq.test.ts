/** Publishing between ours and go-micro's modern line on one RabbitMQ. */
import { after, before, describe } from "node:test";
import { rabbitmq, type ServerProcess, startRabbitmq } from "@ts-micro/conformance";
import { v5 } from "../src/go-micro.ts";
import { publishingRows } from "../src/v2/publishing-rows.ts";

const skip = v5.program("pubsub").skip || rabbitmq().skip;

describe("publishing on RabbitMQ", { skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startRabbitmq();
  });
  after(() => server[Symbol.asyncDispose]());

  publishingRows(
    v5,
    () => ["--broker=rabbitmq", `--broker_address=amqp://${server.address}`, "--registry=memory"],
    ["--rabbitmq_queues=go-micro"],
  );
});
