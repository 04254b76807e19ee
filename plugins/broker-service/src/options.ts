import type { BrokerOptions } from "ts-micro/broker";

export interface ServiceBrokerOptions extends BrokerOptions {
  /** `host:port` of services that offer the same broker. @default ["127.0.0.1:8001"], as go-micro */
  addresses?: readonly string[];
  /** Limit of one call, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /**
   * How often the service is asked how it is while there are subscriptions, in milliseconds. One that doesn't answer
   * is given up `timeoutMs` later. @default 10_000
   */
  checkIntervalMs?: number;
}
