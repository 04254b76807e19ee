import { type LastingConnection, type Logger, newLastingConnection } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import { serversOf } from "./client.ts";
import { type Cluster, isDenied, openCluster } from "./cluster.ts";
import type { KafkaBrokerOptions } from "./options.ts";

export interface Connection extends Pick<LastingConnection<Cluster>, "server" | "open" | "close"> {
  /** @throws MicroError 503 `not-connected` while no server answers */
  cluster(): Cluster;
  /** Called with each further one, until the function that it gives is called. */
  onReplaced(listener: (next: Cluster) => void): () => void;
}

/** @throws MicroError 400 for an address that is none */
export function newConnection(options: KafkaBrokerOptions, logger: Logger): Connection {
  const listeners = new Set<(next: Cluster) => void>();
  const connection = newLastingConnection({
    owner: { kind: "broker", errorId: brokerErrorId, logger },
    name: "kafka",
    // The library tries them all.
    servers: [{ hostPort: serversOf(options).join(", ") }],
    start: () => openCluster(options, logger),
    isDenied,
    credentials: "the right MICRO_KAFKA_USER, MICRO_KAFKA_PASSWORD and MICRO_KAFKA_SASL_MECHANISM",
    onAgain(next) {
      for (const listener of [...listeners]) listener(next);
    },
    maxReconnectWaitMs,
  });

  return {
    get server() {
      return connection.server;
    },
    open: connection.open,
    close: connection.close,
    cluster: connection.session,
    onReplaced(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** Longest wait before the next look at a cluster that didn't answer, in milliseconds. */
const maxReconnectWaitMs = 500;
