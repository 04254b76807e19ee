import type { NatsConnectionOptions } from "@ts-micro/nats-connection";
import { badRequest } from "ts-micro";
import type { RegistryOptions } from "ts-micro/registry";

export interface NatsRegistryOptions extends RegistryOptions, NatsConnectionOptions {
  /**
   * What the subjects begin with: `<prefix>.query` and `<prefix>.watch`. Several are spoken at once, so that services of
   * different versions of go-micro are found together.
   * @default ["micro.nats", "micro.registry.nats"], those of go-micro v6 and of v2
   */
  prefixes?: readonly string[];
  /**
   * How long to wait for one more answer to a query, in milliseconds; three times as long for the first one. @default 100,
   * go-micro's limit of a whole query
   */
  answerMs?: number;
  /**
   * How often a watch asks for all that it knows, in milliseconds. A node that doesn't answer twice is gone. @default 30_000,
   * as often as services register
   */
  refreshMs?: number;
}

export const defaults = {
  prefixes: ["micro.nats", "micro.registry.nats"],
  answerMs: 100,
  refreshMs: 30_000,
} as const;

export const registryErrorId = "go.micro.registry";

/** @throws MicroError 400 naming the option that makes no sense */
export function checkOptions({
  prefixes = defaults.prefixes,
  answerMs,
  refreshMs,
}: NatsRegistryOptions): void {
  const wrong = prefixes.find((prefix) => !/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(prefix));
  if (wrong !== undefined || prefixes.length === 0) {
    const given = wrong === undefined ? "are empty" : `have ${JSON.stringify(wrong)}`;
    throw badRequest(registryErrorId, `registry nats: prefixes ${given}; give subjects such as micro.nats`);
  }
  for (const [name, value] of Object.entries({ answerMs, refreshMs })) {
    if (value !== undefined && !(value > 0 && value <= 0x7fff_ffff)) {
      throw badRequest(registryErrorId, `registry nats: ${name} must be milliseconds from 1, is ${value}`);
    }
  }
}
