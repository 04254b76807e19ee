import { randomUUID } from "node:crypto";
import { defaultCodecs } from "../codec/codecs.ts";
import { badRequest } from "../errors.ts";
import { newLogger } from "../logger.ts";
import type { ServerOptions } from "./server.ts";

/** Every option that servers of any protocol share, with its default filled in. */
export type ServerSettings = Required<
  Pick<
    ServerOptions,
    | "name"
    | "id"
    | "version"
    | "address"
    | "advertise"
    | "metadata"
    | "registerTtlMs"
    | "registerIntervalMs"
    | "registerCheck"
    | "codecs"
    | "wrapHandler"
    | "wrapSubscriber"
    | "protocols"
    | "wires"
    | "secure"
    | "logger"
    | "parts"
  >
> & {
  drain: Required<NonNullable<ServerOptions["drain"]>>;
  tls: ServerOptions["tls"];
};

/**
 * Fills in the defaults.
 * @throws MicroError 400 naming the option, when one is out of range.
 */
export function serverSettings(options: ServerOptions = {}): ServerSettings {
  const settings: ServerSettings = {
    name: options.name || "go.micro.server",
    id: options.id || randomUUID(),
    version: options.version || "latest",
    address: options.address || ":0",
    advertise: options.advertise ?? "",
    metadata: { ...options.metadata },
    registerTtlMs: options.registerTtlMs ?? 90_000,
    registerIntervalMs: options.registerIntervalMs ?? 30_000,
    registerCheck: options.registerCheck ?? (() => {}),
    drain: {
      propagationMs: options.drain?.propagationMs ?? 1_000,
      budgetMs: options.drain?.budgetMs ?? 10_000,
    },
    codecs: { ...defaultCodecs, ...options.codecs },
    wrapHandler: [...(options.wrapHandler ?? [])],
    wrapSubscriber: [...(options.wrapSubscriber ?? [])],
    protocols: [...(options.protocols ?? [])],
    wires: [...(options.wires ?? [])],
    secure: options.secure ?? options.tls !== undefined,
    logger: options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL }),
    parts: options.parts ?? {},
    tls: options.tls,
  };
  for (const { name, share } of settings.wires) {
    if (share === undefined) throw badRequest(serverId, `wires: ${name} can't share a port`);
  }
  checkDuration("registerTtlMs", settings.registerTtlMs);
  checkDuration("registerIntervalMs", settings.registerIntervalMs);
  checkDuration("drain.propagationMs", settings.drain.propagationMs);
  checkDuration("drain.budgetMs", settings.drain.budgetMs);
  return settings;
}

const serverId = "go.micro.server";

// Node fires timers of more than 2^31 - 1 ms at once.
const longestMs = 0x7fff_ffff;

function checkDuration(name: string, ms: number): void {
  if (typeof ms === "number" && ms >= 0 && ms <= longestMs) return;
  throw badRequest(serverId, `${name} must be milliseconds from 0 to ${longestMs}, is ${String(ms)}`);
}
