import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import { connectionDefaults, type Session } from "@ts-micro/nats-connection";
import { getMetadata, MicroError } from "ts-micro";
import {
  brokerErrorId,
  type DeliverySetup,
  type EventHandler,
  type Message,
  messageHeaders,
  newDelivery,
} from "ts-micro/broker";
import type { Engine, EngineSetup, Receiving } from "../engine.ts";
import { defaults } from "../options.ts";
import { isUnanswered, jetStreamError, newAdministration } from "./administration.ts";
import { type Consumer, type Ensured, ensureConsumer } from "./consumer.ts";
import { nameOf } from "./names.ts";
import { newReceiver } from "./receiver.ts";
import { newStreams } from "./streams.ts";

/** JetStream: a message is kept in its topic's stream until every queue and every subscription is done with it. */
export function newJetStreamEngine({ connection, options, logger }: EngineSetup): Engine {
  const { timeoutMs = connectionDefaults.timeoutMs, awayMs = defaults.awayMs } = options;
  const { maxDeliveries = defaults.maxDeliveries } = options;
  const ask = newAdministration(timeoutMs);
  const streams = newStreams(ask, options);

  return {
    supports: { ack: true, queue: true, order: true, redelivery: true },

    async check(session) {
      try {
        await ask(session, "connecting", (manager) => manager.getAccountInfo());
      } catch (thrown) {
        // Who may not ask about the account may still use it.
        if (MicroError.from(thrown).code === 501) throw thrown;
      }
    },

    publish,

    async subscribe(wanted: DeliverySetup): Promise<Receiving> {
      const { topic, plan, handler } = wanted;
      const consumer: Consumer = {
        name: plan.queue === undefined ? randomUUID() : `${nameOf(plan.queue)}@${nameOf(topic)}`,
        topic,
        lasting: plan.queue !== undefined,
      };
      const ensure = async (session: Session): Promise<Ensured> => {
        const { deadLetter } = plan;
        if (deadLetter !== undefined) await streams.of(session, deadLetter, "dead letters");
        return ensureConsumer(ask, session, await streams.of(session, topic), consumer, options);
      };
      const { stream, ackWaitMs } = await ensure(connection.session());
      const most = Math.max(maxDeliveries, plan.retries + 1);
      const receiving = await newReceiver({
        connection,
        consumer,
        stream,
        ensure(session) {
          streams.forget(session, topic);
          return ensure(session);
        },
        delivery: newDelivery({ ...wanted, handler: limited(handler, most) }),
        logger,
        timeoutMs,
        // A consumer that is neither asked nor told anything for too long is forgotten, too.
        beatMs: Math.min(ackWaitMs, consumer.lasting ? ackWaitMs : awayMs) / 3,
      });
      return {
        async end() {
          await receiving.end();
          if (!consumer.lasting) await remove(stream, consumer);
        },
      };
    },
  };

  async function publish(session: Session, topic: string, payload: string, message: Message): Promise<void> {
    const doing = `publishing on "${topic}"`;
    const id = getMetadata(message.header, messageHeaders.id);
    // The server compares within a stream, which may have several topics.
    const msgID = `${topic} ${id ?? randomUUID()}`;
    const giveUpAt = performance.now() + timeoutMs;
    for (;;) {
      // Awaited even when it is known, so that nothing overtakes what waits here.
      await streams.of(session, topic);
      try {
        const stored = jetstream(session.nats, { timeout: timeoutMs }).publish(topic, payload, { msgID });
        const { duplicate, stream } = await session.answered(stored);
        if (duplicate) logger.warn(`${doing}: stream ${stream} has a message with the id ${id} already`);
        return;
      } catch (thrown) {
        // The stream may have been deleted, or is about to choose a leader.
        streams.forget(session, topic);
        if (!isUnanswered(thrown) || performance.now() > giveUpAt)
          throw jetStreamError(session, doing, thrown);
        await pause(100);
      }
    }
  }

  /** Who ends a subscription for good leaves nothing behind; should it fail, the server forgets it after `awayMs`. */
  async function remove(stream: string, { name, topic }: Consumer): Promise<void> {
    try {
      const doing = `ending the subscription to "${topic}"`;
      await ask(connection.session(), doing, ({ consumers }) => consumers.delete(stream, name));
    } catch (thrown) {
      logger.debug(MicroError.from(thrown).detail);
    }
  }
}

/** A message whose handler ends the process each time must not do so for ever. */
function limited(handler: EventHandler, mostDeliveries: number): EventHandler {
  return (event) => {
    if (event.attempt <= mostDeliveries) return handler(event);
    const detail = `it was delivered ${event.attempt - 1} times and no process said what became of it (maxDeliveries)`;
    throw new MicroError({ id: brokerErrorId, code: 500, detail });
  };
}
