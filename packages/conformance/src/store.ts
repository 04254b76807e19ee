import { describe } from "node:test";
import type { Store, StoreOptions } from "ts-micro/store";
import { newStoreBench } from "./store/bench.ts";
import { closingTests } from "./store/closing.ts";
import { expiryTests } from "./store/expiry.ts";
import { placeTests } from "./store/places.ts";
import { recordTests } from "./store/records.ts";
import { selectionTests } from "./store/selection.ts";

export interface StoreSubject<Engine = undefined> {
  /** Starts what the stores need, once for the suite; it is disposed of in the end. */
  start?: () => Promise<Engine> | Engine;
  /** A store that shares its records with all others made with the same engine. */
  create: (engine: Engine, options: Pick<StoreOptions, "database" | "table">) => Store;
  /** What this kind of store can't do. */
  supports?: Partial<StoreSupports>;
  /** Limit of one test, in milliseconds. @default 30_000 */
  timeoutMs?: number;
}

export interface StoreSupports {
  /** Two stores have the same table open at once. @default true */
  shared: boolean;
  /** Records stay when all stores are closed. @default true */
  survivesClose: boolean;
  /** The longest value that every record may have, in bytes. @default 8 MiB */
  valueBytes: number;
  /** How exactly the engine keeps to a record's end, in milliseconds. @default 1 */
  ttlMs: number;
}

/**
 * The suite of a store. What `supports` denies is left out, since nobody is deceived by it.
 *
 *     storeConformance("redis", {
 *       start: () => startRedis(),
 *       create: ({ address }, options) => newStore({ ...options, addresses: [address] }),
 *     });
 */
export function storeConformance<Engine = undefined>(name: string, subject: StoreSubject<Engine>): void {
  describe(`store ${name}`, { timeout: 20 * (subject.timeoutMs ?? 30_000) }, () => {
    const bench = newStoreBench(subject);
    recordTests(bench);
    selectionTests(bench);
    placeTests(bench);
    expiryTests(bench);
    closingTests(bench);
  });
}
