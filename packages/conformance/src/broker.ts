import { describe } from "node:test";
import type { Broker } from "ts-micro/broker";
import { acknowledgementTests } from "./broker/acknowledgement.ts";
import { newBrokerBench } from "./broker/bench.ts";
import { connectionTests } from "./broker/connection.ts";
import { deliveryTests } from "./broker/delivery.ts";
import { endingTests } from "./broker/ending.ts";
import { failureTests } from "./broker/failure.ts";
import { queueTests } from "./broker/queue.ts";

export interface BrokerSubject<Engine = undefined> {
  /** Starts what the brokers need, once for the suite; it is disposed of in the end. */
  start?: () => Promise<Engine> | Engine;
  /** A broker, not connected yet, that exchanges messages with all others made with the same engine. */
  create: (engine: Engine) => Broker;
  /** Resolves when publishers know a new subscription, for engines that need a while. */
  subscribed?: (engine: Engine) => Promise<void>;
  /** Limit of one test, in milliseconds. @default 30_000 */
  timeoutMs?: number;
}

/**
 * The suite of a broker. What `supports` promises is tried; what it denies must be refused.
 *
 *     brokerConformance("nats", {
 *       start: () => startNatsServer(),
 *       create: ({ address }) => newBroker({ addresses: [address] }),
 *     });
 */
export function brokerConformance<Engine = undefined>(name: string, subject: BrokerSubject<Engine>): void {
  describe(`broker ${name}`, { timeout: 20 * (subject.timeoutMs ?? 30_000) }, () => {
    const bench = newBrokerBench(subject);
    connectionTests(bench);
    deliveryTests(bench);
    queueTests(bench);
    failureTests(bench);
    acknowledgementTests(bench);
    endingTests(bench);
  });
}
