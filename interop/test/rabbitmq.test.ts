/** Publishing on one RabbitMQ. */
import { after, before, describe } from "node:test";
import { rabbitmq, type ServerProcess, startRabbitmq } from "@ts-micro/conformance";
import { v2, v5 } from "../src/go-micro.ts";
import { publishingRows } from "../src/rows/publishing-rows.ts";

describe("publishing on RabbitMQ", { skip: rabbitmq().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  before(async () => {
    server = await startRabbitmq();
  });
  after(() => server[Symbol.asyncDispose]());

  publishingRows([v2, v5], {
    flags: () => ["--broker=rabbitmq", `--broker_address=amqp://${server.address}`, "--registry=memory"],
    queueFlags: ["--rabbitmq_queues=go-micro"],
  });
});
