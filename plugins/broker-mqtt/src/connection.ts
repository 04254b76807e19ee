import type { Logger } from "ts-micro";
import { type BrokerConnection, newBrokerConnection } from "ts-micro/broker";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";
import type { Session } from "./session.ts";

export type Connection = BrokerConnection<Session>;

/** @param start opens a session and prepares it */
export function newConnection(
  servers: readonly ServerAddress[],
  { maxReconnectWaitMs = defaults.maxReconnectWaitMs }: MqttBrokerOptions,
  logger: Logger,
  start: (server: ServerAddress) => Promise<Session>,
): Connection {
  return newBrokerConnection({ name: "mqtt", servers, start, maxReconnectWaitMs, logger });
}
