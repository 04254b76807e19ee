import { type Context, MicroError } from "ts-micro";
import type { Broker, Event } from "ts-micro/broker";
import type { ServiceImplementation } from "ts-micro/server";
import { confirmationAsked } from "./confirm.ts";
import type { Broker as BrokerSchema } from "./gen/broker_pb.ts";
import { newHandoff } from "./handoff.ts";

/**
 * Offers a broker to everyone over RPC, as go-micro v2's `micro broker`:
 * `service.handle(Broker, offerBroker(() => service.broker))`.
 *
 * A message is sent on when the caller's stream has room, and where the broker can take messages back, those that a
 * stream that ended had not got are given to others.
 *
 * @param broker asked for each time; has to be connected
 */
export function offerBroker(broker: () => Broker): ServiceImplementation<typeof BrokerSchema> {
  /** By the streams' names: end the subscription, and then the stream. */
  const endings = new Map<string, () => Promise<void>>();

  return {
    async publish({ topic, message }) {
      await broker().publish(topic, {
        header: { ...message?.header },
        body: Buffer.from(message?.body ?? []),
      });
      return {};
    },

    async *subscribe({ topic, queue }, context) {
      const { supports } = broker();
      const handoff = newHandoff<Event>();
      const subscription = await broker().subscribe(
        topic,
        async (event) => {
          await handoff.give(event);
          await event.ack();
        },
        {
          signal: context.signal,
          ...(queue !== "" && { queue }),
          ...(supports.ack && { ack: "manual" }),
        },
      );
      const id = confirmationAsked(context.metadata);
      try {
        if (id !== undefined) {
          endings.set(id, async () => {
            // Resolves when all that the stream was given has been sent.
            await subscription.unsubscribe();
            handoff.end();
          });
          yield {};
        }
        for await (const { message } of handoff.items(context.signal)) yield message;
      } finally {
        if (id !== undefined) endings.delete(id);
        handoff.leave(gone(topic, context));
        await subscription.unsubscribe();
      }
    },

    async unsubscribe({ id }) {
      await endings.get(id)?.();
      return {};
    },
  };
}

function gone(topic: string, { peer }: Context): MicroError {
  const detail = `the subscriber to "${topic}" at ${peer.address} has left`;
  return new MicroError({ id: "go.micro.broker", code: 499, detail, reason: "cancelled" });
}
