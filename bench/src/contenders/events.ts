/** Publishing: `serve` subscribes, `connect` publishes. The subscriber is given decoded bodies, and counts. */
import { newBroker as newNatsBroker } from "@ts-micro/broker-nats";
import { ServiceBroker } from "moleculer";
import { type Broker, newHttpBroker } from "ts-micro/broker";
import { newClient } from "ts-micro/client";
import { newMdnsRegistry, newMemoryRegistry } from "ts-micro/registry";
import { newServer } from "ts-micro/server";
import type { Caller, Contender, Question } from "../contender.ts";
import { natsAddress } from "./nats-address.ts";

/** Our default broker: each message is posted to the subscriber, which is found by mDNS. */
export const httpEvents = ours(() => newHttpBroker({ parts: { registry: newMdnsRegistry() } }));

export const natsEvents = ours(() => newNatsBroker({ addresses: [natsAddress()] }));

function ours(newBroker: () => Broker): Contender {
  return {
    async serve() {
      const broker = newBroker();
      const registry = newMemoryRegistry({ addresses: ["bench-server"] });
      const server = newServer({
        name: "bench",
        address: "127.0.0.1:0",
        drain: { propagationMs: 0 },
        parts: { broker, registry },
      });
      let received = 0;
      server.subscribe({
        topic: "bench",
        run() {
          received++;
        },
        options: {},
      });
      await server.start();
      return {
        address: "events",
        received: () => received,
        async close() {
          await server.stop();
          await broker.disconnect();
        },
      };
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
