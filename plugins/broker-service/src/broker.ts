import { Broker as BrokerSchema, type Message as MessageInit, Remote } from "@ts-micro/service-wire";
import { newLogger } from "ts-micro";
import {
  type Broker,
  type BrokerEngine,
  messageHeaders,
  newBrokerOver,
  newDelivery,
  notConnected,
} from "ts-micro/broker";
import { newTypedClient } from "ts-micro/client";
import type { ServiceBrokerOptions } from "./options.ts";

const service = "go.micro.broker";

/**
 * go-micro v2.9.1's service broker (`broker/service`): publishing is a call, a subscription a stream.
 *
 * Delivery is at most once, whatever stands behind the service: what is published while a stream is broken passes its
 * subscription by. `publish` resolves when the service's own broker has the message.
 */
export function newBroker(options: ServiceBrokerOptions = {}): Broker {
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "service",
  });
  let remote: Remote | undefined;

  const engine: BrokerEngine = {
    name: "service",
    supports: { ack: false, queue: true, order: false, redelivery: false },

    get address() {
      return remote?.address ?? "";
    },

    async connect(): Promise<void> {
      if (remote !== undefined) return;
      const { addresses = [], secure, tls, timeoutMs = 5_000, checkIntervalMs = 10_000 } = options;
      const made = new Remote({
        service,
        addresses: addresses.length === 0 ? ["127.0.0.1:8001"] : addresses,
        secure,
        tls,
        timeoutMs,
        checkIntervalMs,
        logger,
      });
      try {
        await made.check();
        remote = made;
      } catch (error) {
        await made.close();
        throw error;
      }
    },

    async close(): Promise<void> {
      const present = remote;
      remote = undefined;
      await present?.close();
    },

    async publish(topic, { header, body }, signal) {
      const present = connected();
      // The service's broker may be one whose subscribers look for it.
      const message = { header: { [messageHeaders.topic]: topic, ...header }, body: Uint8Array.from(body) };
      await present.call((call) =>
        typed(present).publish({ topic, message }, { ...call, ...(signal !== undefined && { signal }) }),
      );
    },

    async subscribe({ broker, topic, handler, plan }) {
      const present = connected();
      const delivery = newDelivery({ broker, topic, handler, plan, logger });
      const stream = await present.follow<MessageInit>({
        what: `the subscription to "${topic}"`,
        open: (call) => typed(present).subscribe({ topic, queue: plan.queue ?? "" }, call),
        isConfirmation: ({ header, body }) => body.length === 0 && Object.keys(header).length === 0,
        async onItem({ header, body }) {
          // Until there is room nothing more is read, which holds the service back.
          const room = await delivery.room();
          room?.take({ message: { header: { ...header }, body: Buffer.from(body) } });
        },
      });
      return async () => {
        await stream.finish((id, call) => typed(present).unsubscribe({ id }, call));
        await delivery.stop();
      };
    },
  };
  return newBrokerOver(engine, logger);

  function connected(): Remote {
    if (remote === undefined) throw notConnected("service");
    return remote;
  }
}

function typed({ client }: Remote) {
  return newTypedClient(BrokerSchema, client, { service });
}
