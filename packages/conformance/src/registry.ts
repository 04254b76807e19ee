import { describe } from "node:test";
import type { Registry } from "ts-micro/registry";
import { newRegistryBench } from "./registry/bench.ts";
import { expiryTests } from "./registry/expiry.ts";
import { recordTests } from "./registry/records.ts";
import { watchTests } from "./registry/watching.ts";

export interface RegistrySubject<Engine = undefined> {
  /** Starts what the registries need, once for the suite; it is disposed of in the end. */
  start?: () => Promise<Engine> | Engine;
  /** A registry that shares its services with all others made with the same engine. */
  create: (engine: Engine) => Registry;
  /** What this kind of engine can't do. */
  supports?: Partial<RegistrySupports>;
  /** Limit of one test, in milliseconds. @default 30_000 */
  timeoutMs?: number;
}

export interface RegistrySupports {
  /** Metadata of the service itself comes back. mDNS and Consul lose it. @default true */
  serviceMetadata: boolean;
  /** `listServices` knows the versions, not only the names. @default true */
  listsVersions: boolean;
  /** Nodes stay when the registry that registered them is closed. @default true */
  survivesClose: boolean;
  /** `watch` without a service tells about all of them. @default true */
  watchesAll: boolean;
  /** The shortest TTL that the engine keeps to, in milliseconds; `undefined` when it knows none. @default 50 */
  ttlMs: number | undefined;
}

/**
 * The suite of a registry. What `supports` denies is left out, since nobody is deceived by it.
 *
 *     registryConformance("etcd", {
 *       start: () => startEtcd(),
 *       create: ({ address }) => newRegistry({ addresses: [address] }),
 *       supports: { ttlMs: 1_000 },
 *     });
 */
export function registryConformance<Engine = undefined>(
  name: string,
  subject: RegistrySubject<Engine>,
): void {
  describe(`registry ${name}`, { timeout: 20 * (subject.timeoutMs ?? 30_000) }, () => {
    const bench = newRegistryBench(subject);
    recordTests(bench);
    watchTests(bench);
    expiryTests(bench);
  });
}
