import type { BrokerOptions } from "ts-micro/broker";
import type { TlsPaths } from "ts-micro/transport";

export interface MqttBrokerOptions extends BrokerOptions, TlsPaths {
  /**
   * The servers, as `host:port`, `mqtt://user:password@host:port` or `mqtts://…`. They are tried in this order.
   * @default ["127.0.0.1:1883"]
   */
  addresses?: readonly string[];
  /** For addresses that bring no credentials. */
  user?: string;
  password?: string;
  /** The protocol: 5, or 4 for MQTT 3.1.1, which has no queues. @default 5 */
  protocolVersion?: 4 | 5;
  /** 0 at most once, 1 at least once, 2 exactly once between two neighbours on the way. @default 1, as go-micro */
  qos?: 0 | 1 | 2;
  /**
   * What names this process at the server, the same after each of its starts and nobody else's. With it the server keeps
   * messages while the process is away. @default a random one, which the server forgets with the process
   */
  clientId?: string;
  /**
   * How long the server keeps what was published for a subscription while its connection is away, in milliseconds,
   * rounded up to whole seconds. @default 60_000, with a `clientId` 86_400_000
   */
  sessionExpiryMs?: number;
  /** Limit of connecting to one server, and of one publish, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /** Time between pings, in milliseconds: a server that is silent is given up after at most three. @default 5_000 */
  keepAliveMs?: number;
  /** Longest wait between two attempts to connect again, in milliseconds. @default 2_000 */
  maxReconnectWaitMs?: number;
}

export const defaults = {
  address: "127.0.0.1:1883",
  protocolVersion: 5,
  qos: 1,
  sessionExpiryMs: 60_000,
  namedSessionExpiryMs: 24 * 60 * 60 * 1_000,
  timeoutMs: 5_000,
  keepAliveMs: 5_000,
  maxReconnectWaitMs: 2_000,
} as const;
