import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import { Kafka, type KafkaConfig, logLevel, type SASLOptions } from "kafkajs";
import { badRequest, type Logger } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import { clientTls, readTls, wantsTls } from "ts-micro/transport";
import { defaults, type KafkaBrokerOptions } from "./options.ts";

export interface Client {
  readonly kafka: Kafka;
  /** For members of groups: what they ask waits for other members, and a dead one for its session to end. */
  readonly groups: Kafka;
  /** Ends all connections at once, and each that the library still makes: its attempts can't be called off. */
  end(): void;
}

/** @throws MicroError 400 for an address that is none */
export function serversOf({ addresses = [] }: KafkaBrokerOptions): string[] {
  return (addresses.length === 0 ? [defaults.address] : addresses).map((text) => {
    const address = text.trim();
    const [, host, port = "9092"] = /^(\[[\da-f:.]+\]|[^\s:@/[\]]+)(?::(\d{1,5}))?$/i.exec(address) ?? [];
    if (host !== undefined && Number(port) > 0 && Number(port) < 65_536) return `${host}:${port}`;
    // What stands before an @ may be a password.
    const shown = JSON.stringify(address.replace(/^.*@/s, "…@"));
    throw badRequest(brokerErrorId, `Kafka address ${shown} is not a host and port; write kafka-1:9092`);
  });
}

/** Opens nothing yet. @throws Error when a PEM file can't be read */
export async function newClient(options: KafkaBrokerOptions, logger: Logger): Promise<Client> {
  const { timeoutMs = defaults.timeoutMs, sessionTimeoutMs = defaults.sessionTimeoutMs } = options;
  const servers = serversOf(options);
  const tls = wantsTls(options) ? await readTls(options) : undefined;
  const sasl = saslOf(options);
  const sockets = new Set<Socket>();
  let ended = false;
  const config: KafkaConfig = {
    clientId: options.clientId ?? defaults.clientId,
    brokers: servers,
    ...(sasl !== undefined && { sasl }),
    connectionTimeout: timeoutMs,
    authenticationTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    // Each server of the list is tried; a topic's leader may be a moment in coming.
    retry: { retries: servers.length + 3, initialRetryTime: 100, maxRetryTime: 500 },
    logLevel: logLevel.WARN,
    // Whatever matters to the user is told by us, in our words.
    logCreator:
      () =>
      ({ namespace, log }) =>
        logger.debug(`kafkajs ${namespace}: ${log.message}`),
    socketFactory({ host, port, onConnect }) {
      const socket =
        tls === undefined
          ? connectPlain({ host, port }, onConnect)
          : connectSecure({ ...clientTls(tls, host), port }, onConnect);
      sockets.add(socket);
      if (ended) setImmediate(() => giveUp(socket));
      socket.once("close", () => sockets.delete(socket));
      return socket;
    },
  };
  return {
    kafka: new Kafka(config),
    groups: new Kafka({ ...config, requestTimeout: timeoutMs + 2 * sessionTimeoutMs }),
    end() {
      ended = true;
      for (const socket of sockets) giveUp(socket);
    },
  };
}

/** The library hears of a connection that fails, and not of one that is merely closed. */
function giveUp(socket: Socket): void {
  socket.destroy(new Error("the connection was given up"));
}

function saslOf({
  user,
  password = "",
  saslMechanism = "plain",
}: KafkaBrokerOptions): SASLOptions | undefined {
  return user === undefined ? undefined : { mechanism: saslMechanism, username: user, password };
}
