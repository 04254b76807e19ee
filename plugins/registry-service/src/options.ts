import type { RegistryOptions } from "ts-micro/registry";

export interface ServiceRegistryOptions extends RegistryOptions {
  /** `host:port` of services that offer the same registry. @default ["127.0.0.1:8000"], as go-micro */
  addresses?: readonly string[];
  /** Limit of one call, in milliseconds. @default 5_000 */
  timeoutMs?: number;
  /**
   * How often the service is asked how it is while something is watched, in milliseconds. One that doesn't answer is
   * given up `timeoutMs` later. @default 10_000
   */
  checkIntervalMs?: number;
  /**
   * How long watchers keep nodes that are missing when the service is back, in milliseconds: it may have lost what it
   * knew, and their services register again in this time. @default 45_000, one and a half of the usual `registerIntervalMs`
   */
  graceMs?: number;
}
