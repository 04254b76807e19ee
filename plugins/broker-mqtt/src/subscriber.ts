import { setTimeout as pause } from "node:timers/promises";
import type { IPublishPacket } from "mqtt-packet";
import { forbidden, type Logger, MicroError, serviceUnavailable } from "ts-micro";
import { brokerErrorId, type Delivery, type Incoming } from "ts-micro/broker";
import { newConnection } from "./connection.ts";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import { newReceiver } from "./receiver.ts";
import type { ServerAddress } from "./server-address.ts";
import { describe, openSession, type Session } from "./session.ts";

/** One subscription, with a connection and a client id of its own: so the server holds back what has no room here. */
export interface Subscriber {
  /** Resolves when all that the server has for it is handled, and nothing will come. */
  end(): Promise<void>;
}

export interface SubscriberSetup {
  clientId: string;
  /** What is subscribed to: the topic, or a shared subscription. */
  filter: string;
  shared: boolean;
  maxInFlight: number;
  delivery: Delivery;
  read(packet: IPublishPacket): Incoming | undefined;
}

/** @throws MicroError 401, 403, 503 */
export async function openSubscriber(
  servers: readonly ServerAddress[],
  setup: SubscriberSetup,
  options: MqttBrokerOptions,
  logger: Logger,
): Promise<Subscriber> {
  const { clientId, filter, shared, maxInFlight, delivery } = setup;
  const { qos = defaults.qos, protocolVersion = defaults.protocolVersion } = options;
  const named = options.clientId !== undefined;
  const expiryMs =
    options.sessionExpiryMs ?? (named ? defaults.namedSessionExpiryMs : defaults.sessionExpiryMs);
  let ending = false;
  const receiver = newReceiver({ delivery, read: setup.read, onReturned });
  const connection = newConnection(servers, options, logger, open);
  await connection.open();

  return {
    async end() {
      ending = true;
      if (shared || !named) await drain();
      await delivery.stop();
      const forget = !named || shared;
      await connection.close(forget);
      if (forget && protocolVersion === 4) await forgetByHand();
    },
  };

  async function open(server: ServerAddress): Promise<Session> {
    const session = await openSession(server, options, {
      clientId,
      // An id that is new has nothing to clean; and Mosquitto doesn't save sessions that began clean.
      clean: false,
      sessionExpirySeconds: Math.ceil(expiryMs / 1_000),
      receiveMaximum: Math.min(maxInFlight, 0xffff),
      onPublish: receiver.onPublish,
      onRelease: receiver.onRelease,
    });
    try {
      if (!ending) await subscribe(session);
      return session;
    } catch (thrown) {
      session.drop("it refuses the subscription");
      throw thrown;
    }
  }

  async function subscribe(session: Session): Promise<void> {
    // Retained messages come once, not after each lost connection.
    const retained = protocolVersion === 5 ? { nl: false, rap: false, rh: shared ? 0 : 1 } : {};
    if (protocolVersion === 4 && session.present) return;
    const answer = await session.request({
      cmd: "subscribe",
      subscriptions: [{ topic: filter, qos, ...retained }],
    });
    const granted = answer.cmd === "suback" ? Number(answer.granted[0]) : 0x80;
    if (granted < 0x80) return;
    const detail = `mqtt server ${session.server} refuses to subscribe to "${filter}": ${describe(granted)}`;
    throw granted === 0x87 ? forbidden(brokerErrorId, detail) : serviceUnavailable(brokerErrorId, detail);
  }

  /** No further message is meant for us; those that the server has given us already are handled. */
  async function drain(): Promise<void> {
    try {
      await connection.session().request({ cmd: "unsubscribe", unsubscriptions: [filter] });
      for (let seen = -1; seen !== receiver.received; ) {
        seen = receiver.received;
        // Handlers that hold all the room hold the rest back.
        if (receiver.unsettled >= maxInFlight)
          await Promise.race([receiver.settled(), pause(longestDrainMs)]);
        await connection.session().ping();
      }
    } catch (thrown) {
      logger.warn(
        `"${filter}": what the server still holds is not handled: ${MicroError.from(thrown).detail}`,
      );
    }
  }

  /** MQTT 3.1.1 has no other way to end a session than to begin it anew. */
  async function forgetByHand(): Promise<void> {
    const setup = { clientId, clean: true, sessionExpirySeconds: 0, onPublish() {}, onRelease() {} };
    const again = newConnection(servers, options, logger, (server) => openSession(server, options, setup));
    await again.open().catch(() => {});
    await again.close(true);
  }

  /** What failed, such as the way to a dead letter, may last. */
  function onReturned(): void {
    if (ending) return void logger.warn(`"${filter}": a message was not handled before the end`);
    setTimeout(() => {
      try {
        connection.session().drop("a message has to come again");
      } catch {
        // It is lost already.
      }
    }, returnAfterMs).unref();
  }
}

const returnAfterMs = 1_000;
const longestDrainMs = 30_000;
