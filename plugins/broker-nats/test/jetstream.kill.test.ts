import { describe, test } from "node:test";
import { newBroker } from "@ts-micro/broker-nats";
import { brokerRecovery, nats, startNats } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import { numbered, numberOf, until } from "./tools.ts";

brokerRecovery("nats with JetStream", {
  start: () => startNats({ jetstream: true }),
  create: ({ impatient, ...setup }) =>
    newBroker({
      ...setup,
      jetstream: true,
      ...(impatient && { pingIntervalMs: 200, timeoutMs: 1_000, ackWaitMs: 1_000 }),
    }),
  skip: nats().skip,
  publishers: 16,
  // The server's own limit is 1 MiB.
  largeBytes: 900_000,
});

describe("JetStream, when the server goes and comes back", {
  skip: nats().skip,
  timeout: 170_000,
  concurrency: true,
}, () => {
  test("a server that lost its data: subscriptions are made anew, and the log says so", async () => {
    await using server = await startNats({ jetstream: true });
    const lines: string[] = [];
    const broker = newBroker({
      addresses: [server.address],
      jetstream: true,
      logger: newLogger({ level: "error", write: (line) => void lines.push(line) }),
    });
    await broker.connect();
    const [queue, alone] = [new Set<number>(), new Set<number>()];
    await broker.subscribe("lost", ({ message }) => void queue.add(numberOf(message)), { queue: "q" });
    await broker.subscribe("lost", ({ message }) => void alone.add(numberOf(message)));
    await server.kill();
    await server.start({ empty: true });
    await until(
      () => lines.filter((line) => /had forgotten the subscription of "lost"/.test(line)).length === 2,
    );
    await broker.publish("lost", numbered(1));
    await until(() => queue.has(1) && alone.has(1));
    await broker.disconnect();
  });
});
