import type { BrokerOptions } from "ts-micro/broker";
import type { TlsPaths } from "ts-micro/transport";

export interface KafkaBrokerOptions extends BrokerOptions, TlsPaths {
  /** Servers of one cluster, as `host:port`; the others are learnt from it. @default ["127.0.0.1:9092"] */
  addresses?: readonly string[];
  user?: string;
  password?: string;
  /** How user and password are shown. @default "plain" */
  saslMechanism?: "plain" | "scram-sha-256" | "scram-sha-512";
  /** The name by which the servers' logs and quotas know us. @default "ts-micro" */
  clientId?: string;
  /** The header whose value becomes the message's key: messages with the same key keep their order. @default "Micro-Key" */
  keyHeader?: string;
  /** Make topics that don't exist, with the cluster's defaults or `partitions`. @default true */
  createTopics?: boolean;
  /** Partitions of the topics that are made. @default the cluster's `num.partitions` */
  partitions?: number;
  /**
   * A queue's messages wait for their retries in a topic of their own, `<topic>.<queue>.retry`, and not in their slots of
   * `maxInFlight`: what is behind them goes on, and overtakes them. The queue's members all need the same. @default false
   */
  retryTopic?: boolean;
  /** Limit of connecting, of each request and of one publish, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /** Time between two looks at the cluster, in milliseconds. @default 5_000 */
  pingIntervalMs?: number;
  /** How long a queue's member may be silent before others get its messages, in milliseconds. @default 10_000 */
  sessionTimeoutMs?: number;
}

export const defaults = {
  address: "127.0.0.1:9092",
  clientId: "ts-micro",
  keyHeader: "Micro-Key",
  timeoutMs: 5_000,
  pingIntervalMs: 5_000,
  sessionTimeoutMs: 10_000,
} as const;
