/** Publishing: `serve` subscribes, `connect` publishes. No answers are awaited; the subscriber counts. */
import { newBroker as newNatsBroker } from "@ts-micro/broker-nats";
import { ServiceBroker } from "moleculer";
import { type Broker, newHttpBroker } from "ts-micro/broker";
import { newClient } from "ts-micro/client";
import { newMdnsRegistry } from "ts-micro/registry";
import type { Caller, Contender, Question } from "../contender.ts";

/** Our default broker: each message is posted to the subscriber, which is found by mDNS. */
export const httpEvents = ours(() => newHttpBroker({ parts: { registry: newMdnsRegistry() } }));

export const natsEvents = ours(() => newNatsBroker({ addresses: [natsAddress()] }));

function ours(newBroker: () => Broker): Contender {
  return {
    async serve() {
      const broker = newBroker();
      let received = 0;
      await broker.connect();
      await broker.subscribe("bench", () => {
        received++;
      });
      return { address: "events", received: () => received, close: () => broker.disconnect() };
    },

    async connect() {
      const broker = newBroker();
      const client = newClient({ parts: { broker } });
      return publisher(
        (question) => client.publish("bench", question),
        async () => {
          await client.close();
          await broker.disconnect();
        },
      );
    },
  };
}

/** Moleculer's events over NATS, JSON. */
export const moleculerNatsEvents: Contender = {
  async serve() {
    const broker = newMoleculer("server");
    let received = 0;
    broker.createService({
      name: "bench",
      events: {
        bench() {
          received++;
        },
      },
    });
    await broker.start();
    return { address: "events", received: () => received, close: () => broker.stop() };
  },

  async connect() {
    const broker = newMoleculer("client");
    await broker.start();
    await broker.waitForServices("bench");
    return publisher(
      (question) => broker.emit("bench", question),
      () => broker.stop(),
    );
  },
};

function newMoleculer(nodeID: string): ServiceBroker {
  return new ServiceBroker({ nodeID, logger: false, transporter: `nats://${natsAddress()}` });
}

function publisher(publish: (question: Question) => Promise<void>, close: () => Promise<void>): Caller {
  return { call: () => Promise.reject(new Error("this contender publishes only")), publish, close };
}

function natsAddress(): string {
  const address = process.env.BENCH_NATS;
  if (address === undefined)
    throw new Error("BENCH_NATS is not set; the bench starts nats-server and sets it");
  return address;
}
