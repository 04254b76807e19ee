/** Publishing: `serve` subscribes, `connect` publishes. The subscriber is given decoded bodies, and counts. */
import { randomUUID } from "node:crypto";
import { newBroker as newNatsBroker } from "@ts-micro/broker-nats";
import { type BrokerOptions, type Context, ServiceBroker } from "moleculer";
import { type Broker, newHttpBroker } from "ts-micro/broker";
import { newClient } from "ts-micro/client";
import { newMdnsRegistry, newMemoryRegistry } from "ts-micro/registry";
import { newServer } from "ts-micro/server";
import type { Caller, Contender, Question } from "../contender.ts";
import { natsAddress } from "./nats-address.ts";

/** Our default broker: subscribers are found by mDNS, and ours get messages by mux. */
export const tcpEvents = ours(() => newHttpBroker({ parts: { registry: newMdnsRegistry() } }));

/** The same as with go-micro: each message is an HTTP request. */
export const httpEvents = ours(() => newHttpBroker({ parts: { registry: newMdnsRegistry() }, mux: false }));

export const natsEvents = ours(() => newNatsBroker({ addresses: [natsAddress()] }));

function ours(newBroker: () => Broker): Contender {
  return {
    async serve() {
      const broker = newBroker();
      // Its own, because all that publish on this machine may find each other.
      const topic = `bench-${randomUUID()}`;
      const registry = newMemoryRegistry({ addresses: ["bench-server"] });
      const server = newServer({
        name: "bench",
        address: "127.0.0.1:0",
        drain: { propagationMs: 0 },
        parts: { broker, registry },
      });
      let received = 0;
      server.subscribe({
        topic,
        run(question) {
          if (isWhole(question as Question)) received++;
        },
        options: {},
      });
      await server.start();
      return {
        address: topic,
        received: () => received,
        async close() {
          await server.stop();
          await broker.disconnect();
        },
      };
    },

    async connect(topic) {
      const broker = newBroker();
      const client = newClient({ parts: { broker } });
      return publisher(
        (question) => client.publish(topic, question),
        async () => {
          await client.close();
          await broker.disconnect();
        },
      );
    },
  };
}

/** Every subscriber looks into what it got, so that nobody can leave it undecoded. */
function isWhole({ name }: Question): boolean {
  return typeof name === "string" && name !== "";
}

/** Moleculer's events over NATS, JSON. */
export const moleculerNatsEvents = moleculer(() => ({ transporter: `nats://${natsAddress()}` }));

/** The same over its TCP transporter. Nodes are told of each other by address instead of UDP. */
export const moleculerTcpEvents = moleculer((urls) => ({
  transporter: { type: "TCP", options: { udpDiscovery: false, urls } },
}));

/** @param over its options, for one that should find others at `urls` */
function moleculer(over: (urls: string[]) => BrokerOptions): Contender {
  const newBroker = (nodeID: string, urls: string[]): ServiceBroker =>
    new ServiceBroker({ nodeID, logger: false, ...over(urls) });
  return {
    async serve() {
      const broker = newBroker("server", []);
      let received = 0;
      broker.createService({
        name: "bench",
        events: {
          // Moleculer looks at the parameter's name.
          bench(context: Context<Question>) {
            if (isWhole(context.params)) received++;
          },
        },
      });
      await broker.start();
      const { port } = broker.getLocalNodeInfo() as unknown as { port: number };
      return { address: `127.0.0.1:${port}`, received: () => received, close: () => broker.stop() };
    },

    async connect(address) {
      const broker = newBroker("client", [`${address}/server`]);
      await broker.start();
      await broker.waitForServices("bench");
      return publisher(
        (question) => broker.emit("bench", question),
        () => broker.stop(),
      );
    },
  };
}

function publisher(publish: (question: Question) => Promise<void>, close: () => Promise<void>): Caller {
  return { call: () => Promise.reject(new Error("this contender publishes only")), publish, close };
}
