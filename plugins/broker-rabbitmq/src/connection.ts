import { type LastingConnection, type Logger, newLastingConnection } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import { defaults, type RabbitmqBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";
import { openSession, type Session } from "./session.ts";

/** What lives on it is made again by `keep`. */
export type Connection = LastingConnection<Session>;

export function newConnection(
  servers: readonly ServerAddress[],
  options: RabbitmqBrokerOptions,
  logger: Logger,
): Connection {
  return newLastingConnection({
    owner: { kind: "broker", errorId: brokerErrorId, logger },
    name: "rabbitmq",
    servers,
    start: (server) => openSession(server, options),
    isDenied: (thrown) => /ACCESS.REFUSED/.test(String(thrown)),
    credentials: "amqp://user:password@host:port/vhost, or MICRO_RABBITMQ_USER and MICRO_RABBITMQ_PASSWORD",
    maxReconnectWaitMs: options.maxReconnectWaitMs ?? defaults.maxReconnectWaitMs,
  });
}
