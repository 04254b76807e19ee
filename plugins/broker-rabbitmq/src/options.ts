import type { BrokerOptions } from "ts-micro/broker";
import type { TlsPaths } from "ts-micro/transport";

/**
 * What a queue is in RabbitMQ.
 *
 * - `quorum`: durable, and replicated in a cluster. RabbitMQ counts how often it has delivered a message.
 * - `classic`: durable, on one node. For servers before 3.8.
 * - `go-micro`: named as go-micro names it, not durable, gone with its last member. Delivery is at most once
 *   beyond the members' life.
 * - `go-micro-durable`: the same for go-micro's option `DurableQueue()`.
 *
 * The first two are named `<queue>:<topic>`, so that one queue name serves many topics, as with other brokers. go-micro
 * leaves the topic out: with the last two, a queue name serves one topic.
 */
export type QueueStyle = (typeof queueStyles)[number];

export const queueStyles = ["quorum", "classic", "go-micro", "go-micro-durable"] as const;

export interface RabbitmqBrokerOptions extends BrokerOptions, TlsPaths {
  /**
   * The nodes of one cluster, as `host:port`, `amqp://user:password@host:port/vhost` or `amqps://…`. One of them is
   * chosen at random; the others are tried when it can't be reached. @default ["127.0.0.1:5672"]
   */
  addresses?: readonly string[];
  /** For addresses that bring no credentials. @default "guest", whom RabbitMQ takes from its own machine only */
  user?: string;
  password?: string;
  /** For addresses that bring none. @default "/" */
  vhost?: string;
  /** The name by which the server's own pages show our connections. @default "ts-micro" */
  connectionName?: string;
  /** The topic exchange that everything goes through. @default "micro", as go-micro */
  exchange?: string;
  /** @default "quorum" */
  queues?: QueueStyle;
  /** Further arguments of the queues that are declared, such as `x-max-length`. Changing them needs new queues. */
  queueArguments?: Readonly<Record<string, unknown>>;
  /** Limit of connecting to one node, and of one publish, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /**
   * Time between heartbeats, in milliseconds, rounded up to whole seconds: a node that is silent is given up after at
   * most three. @default 5_000
   */
  heartbeatMs?: number;
  /** Longest wait between two attempts to connect again, in milliseconds. @default 2_000 */
  maxReconnectWaitMs?: number;
  /** Longer messages are refused. @default 134_217_728, RabbitMQ's own `max_message_size` */
  maxMessageBytes?: number;
}

export const defaults = {
  address: "127.0.0.1:5672",
  user: "guest",
  password: "guest",
  vhost: "/",
  connectionName: "ts-micro",
  exchange: "micro",
  queues: "quorum",
  timeoutMs: 5_000,
  heartbeatMs: 5_000,
  maxReconnectWaitMs: 2_000,
  maxMessageBytes: 128 * 1024 * 1024,
} as const;
