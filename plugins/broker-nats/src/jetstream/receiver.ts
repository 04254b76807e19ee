import { setTimeout as pause } from "node:timers/promises";
import { type Connection, createInbox, type Msg, nanos, type Session } from "@ts-micro/nats-connection";
import { type Logger, MicroError, retryWaitMs } from "ts-micro";
import { type Delivery, type Incoming, readEnvelope } from "ts-micro/broker";
import type { Receiving } from "../engine.ts";
import type { Consumer, Ensured } from "./consumer.ts";
import { newInHand, verdicts } from "./in-hand.ts";
import { newPulling } from "./pulling.ts";

export interface ReceiverSetup {
  connection: Connection;
  consumer: Consumer;
  /** The stream that has the consumer at present. */
  stream: string;
  /** Makes the stream and the consumer where they are missing, on a connection to come. */
  ensure(session: Session): Promise<Ensured>;
  delivery: Delivery;
  logger: Logger;
  timeoutMs: number;
  /** How often to say of what is in hand that it is being handled. */
  beatMs: number;
}

/** Pulls a consumer's messages into a delivery, on one connection after the other. */
export async function newReceiver(setup: ReceiverSetup): Promise<Receiving> {
  const { connection, consumer, stream, ensure, delivery, logger, timeoutMs, beatMs } = setup;
  const inbox = createInbox();
  const inHand = newInHand(connection);
  const pulling = newPulling(delivery, requestMs + timeoutMs);
  let present: Session | undefined;
  let next = nextOf(stream);
  let listened = false;
  let ended = false;

  const listening = await connection.listen({ subject: inbox, onMessage, onListening });
  const beating = setInterval(() => inHand.beat(), beatMs);
  beating.unref();
  // From now on a member of a queue has its share. Should the connection be lost, it has it on the next one.
  await flushed();
  return { end };

  function onListening(session: Session): void {
    present = session;
    void session.ended.then(() => {
      if (present !== session) return;
      present = undefined;
      pulling.pause();
    });
    if (listened) void resume(session);
    else start(session);
    listened = true;
  }

  /** Until the consumer is there again, whatever the server has lost. */
  async function resume(session: Session): Promise<void> {
    for (let attempt = 0; session === present && !ended; attempt++) {
      try {
        const { made, stream } = await ensure(session);
        if (session !== present || ended) return;
        if (made) {
          const where = `of "${consumer.topic}" (consumer ${consumer.name} of stream ${stream})`;
          logger.error(`the nats server had forgotten the subscription ${where}: messages may be missing`);
        }
        inHand.tell(session);
        next = nextOf(stream);
        start(session);
        return;
      } catch (thrown) {
        const text = `can't go on with "${consumer.topic}" yet: ${MicroError.from(thrown).detail}`;
        if (attempt === 0) logger.warn(text);
        else logger.debug(text);
        await pause(retryWaitMs(attempt + 1, 2_000), undefined, { ref: false });
      }
    }
  }

  function nextOf(stream: string): string {
    return `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer.name}`;
  }

  function start(session: Session): void {
    pulling.start((count) => request(session, count));
  }

  function request(session: Session, count: number): void {
    try {
      const body = { batch: count, expires: nanos(requestMs) };
      session.nats.publish(next, JSON.stringify(body), { reply: inbox });
    } catch {
      // The connection has just closed, and `ended` is about to tell.
    }
  }

  function onMessage(message: Msg): void {
    if (message.reply?.startsWith("$JS.ACK.")) take(message, message.reply);
    else void status(message.headers?.code ?? 0);
  }

  function take({ subject, data }: Msg, reply: string): void {
    const room = pulling.arrived();
    const { identity, deliveries } = positionOf(reply);
    if (!inHand.add({ identity, reply })) {
      room?.release();
      return;
    }
    const message = readEnvelope(Buffer.from(data), subject, logger);
    if (message === undefined) {
      inHand.settle(identity, verdicts.never);
      room?.release();
      return;
    }
    const incoming: Incoming = {
      message,
      topic: subject,
      attempt: deliveries,
      settle: (outcome) => {
        if (outcome === "returned") {
          // At the end somebody else can have it at once. Otherwise its dead letter could not be published.
          inHand.settle(identity, verdicts.again(ended ? 0 : redeliveryDelay(deliveries)));
        } else inHand.settle(identity, outcome === "dropped" ? verdicts.never : verdicts.done);
      },
    };
    if (room === undefined) delivery.take(incoming);
    else room.take(incoming);
  }

  /** 408 is a request's usual end. Others say that nobody can answer it: the consumer is gone, its server stops... */
  async function status(code: number): Promise<void> {
    if (code === 408) return pulling.over();
    pulling.pause();
    await pause(500, undefined, { ref: false });
    if (present !== undefined) await resume(present);
  }

  async function end(): Promise<void> {
    ended = true;
    // What the server has sent until now arrives, and is handled.
    await listening.end();
    pulling.pause();
    await delivery.stop();
    clearInterval(beating);
    // The verdicts leave before the connection does.
    await flushed();
  }

  async function flushed(): Promise<void> {
    await present?.answered(present.nats.flush()).catch(() => {});
  }
}

/** How long one request for messages stands, in milliseconds. */
const requestMs = 10_000;

/** 1 s, 2 s, 4 s... at most 30 s: what is given back without being done. */
function redeliveryDelay(deliveries: number): number {
  return Math.min(1_000 * 2 ** (deliveries - 1), 30_000);
}

/**
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time>.<pending>`; newer servers put the
 * domain and a hash of the account before the stream (NATS ADR-15).
 */
function positionOf(reply: string): { identity: string; deliveries: number } {
  const tokens = reply.split(".");
  const [deliveries, sequence, , time] = tokens.slice(tokens.length > 9 ? 6 : 4);
  // A stream that was lost and made anew counts from 1 again: only with its time a number is one message's.
  return { identity: `${sequence} ${time}`, deliveries: Number(deliveries) };
}
