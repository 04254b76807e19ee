import type { Logger } from "ts-micro";
import { type BrokerConnection, newBrokerConnection } from "ts-micro/broker";
import { defaults, type RabbitmqBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";
import { openSession, type Session } from "./session.ts";

/** What lives on it is made again by `keep`. */
export type Connection = BrokerConnection<Session>;

export function newConnection(
  servers: readonly ServerAddress[],
  options: RabbitmqBrokerOptions,
  logger: Logger,
): Connection {
  const { maxReconnectWaitMs = defaults.maxReconnectWaitMs } = options;
  return newBrokerConnection({
    name: "rabbitmq",
    servers,
    start: (server) => openSession(server, options),
    isDenied: (thrown) => /ACCESS.REFUSED/.test(String(thrown)),
    maxReconnectWaitMs,
    logger,
  });
}
