import { isNoPrimary, newConnection, refusedAs } from "@ts-micro/redis-connection";
import { badRequest, type MicroError, newLogger } from "ts-micro";
import {
  type Broker,
  type BrokerEngine,
  brokerErrorId,
  encodeEnvelope,
  messageHeaders,
  newBrokerOver,
} from "ts-micro/broker";
import { longestIdleMs } from "./group.ts";
import { defaults, type RedisBrokerOptions } from "./options.ts";
import { newPubSub } from "./pubsub.ts";
import { newStreams } from "./streams.ts";

/** One of the two ways in which Redis carries messages. */
export interface Mode {
  readonly supports: Broker["supports"];
  /** The command that publishes. */
  publishCommand(topic: string, payload: Buffer): (string | Buffer)[];
  subscribe: BrokerEngine["subscribe"];
}

/**
 * Redis as a broker. By default a topic is a stream and a queue a consumer group of it, with at-least-once delivery;
 * with `mode: "pubsub"` it is go-micro's redis broker (`broker/redis` of go-plugins v2), at most once. The payload is
 * go-micro's JSON envelope in both.
 *
 * `publish` resolves when the server has the message; while no server is connected it rejects with 503
 * `not-connected`, and nothing is kept for later. Subscriptions come back with the connection.
 */
export function newBroker(options: RedisBrokerOptions = {}): Broker {
  checkOptions(options);
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    broker: "redis",
  });
  const connection = newConnection(options, { kind: "broker", errorId: brokerErrorId, logger });
  const newMode = options.mode === "pubsub" ? newPubSub : newStreams;
  const mode = newMode({ connection, options, logger });

  const engine: BrokerEngine = {
    name: "redis",
    supports: mode.supports,

    get address() {
      return connection.server;
    },

    connect: () => connection.open(),
    close: () => connection.close(),

    async publish(topic, message) {
      const session = connection.session();
      // go-micro's publishers set it; their servers look for subscribers by it.
      const payload = encodeEnvelope(message, message.header[messageHeaders.topic] ?? topic);
      try {
        await session.command(mode.publishCommand(topic, payload));
      } catch (thrown) {
        if (isNoPrimary(thrown)) session.drop("it is a replica now");
        throw refusedAs(thrown, `publish on "${topic}"`, session.server, brokerErrorId);
      }
    },

    async subscribe(request) {
      const { address } = connection.session();
      try {
        return await mode.subscribe(request);
      } catch (thrown) {
        throw refusedAs(thrown, `subscribe to "${request.topic}"`, address.hostPort, brokerErrorId);
      }
    },
  };
  return newBrokerOver(engine, logger);
}

/** @throws MicroError 400 that names the option */
function checkOptions({ mode = "streams", ...options }: RedisBrokerOptions): void {
  if (mode !== "streams" && mode !== "pubsub") throw meaningless("mode", mode, '"streams" or "pubsub"');
  const { claimAfterMs = defaults.claimAfterMs, maxLength = defaults.maxLength } = options;
  if (!(claimAfterMs >= 100 && claimAfterMs <= longestIdleMs)) {
    throw meaningless("claimAfterMs", claimAfterMs, `milliseconds from 100 to ${longestIdleMs}`);
  }
  if (!(Number.isSafeInteger(maxLength) && maxLength >= 1)) {
    throw meaningless("maxLength", maxLength, "a whole number from 1");
  }
}

function meaningless(option: string, value: unknown, wanted: string): MicroError {
  return badRequest(
    brokerErrorId,
    `broker redis: ${option} must be ${wanted}, is ${JSON.stringify(value) ?? value}`,
  );
}
