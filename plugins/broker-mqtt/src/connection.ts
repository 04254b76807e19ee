import { type LastingConnection, type Logger, newLastingConnection } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import { defaults, type MqttBrokerOptions } from "./options.ts";
import type { ServerAddress } from "./server-address.ts";
import type { Session } from "./session.ts";

export type Connection = LastingConnection<Session>;

/** @param start opens a session and prepares it */
export function newConnection(
  servers: readonly ServerAddress[],
  { maxReconnectWaitMs = defaults.maxReconnectWaitMs }: MqttBrokerOptions,
  logger: Logger,
  start: (server: ServerAddress) => Promise<Session>,
): Connection {
  const owner = { kind: "broker", errorId: brokerErrorId, logger };
  const credentials = "mqtt://user:password@host:port, or MICRO_MQTT_USER and MICRO_MQTT_PASSWORD";
  return newLastingConnection({ owner, name: "mqtt", servers, start, credentials, maxReconnectWaitMs });
}
