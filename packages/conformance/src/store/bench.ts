import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { MicroError } from "ts-micro";
import type { Store, StoreOptions } from "ts-micro/store";
import type { StoreSubject, StoreSupports } from "../store.ts";

/** What every test of the suite works with. */
export interface StoreBench {
  readonly supports: StoreSupports;
  /** A test in a table of its own, with stores that are closed when it ends, however it ends. */
  test(name: string, run: (tools: StoreTools) => Promise<void>): void;
}

export interface StoreTools {
  readonly table: string;
  /** A store of the test's table, or of the one that `options` names. */
  create(options?: Pick<StoreOptions, "database" | "table">): Store;
  /** A second view of the same table: another store where the engine is shared, else `store` itself. */
  other(store: Store): Store;
}

export function newStoreBench<Engine>(subject: StoreSubject<Engine>): StoreBench {
  const timeout = subject.timeoutMs ?? 30_000;
  const supports: StoreSupports = {
    ...{ shared: true, survivesClose: true, valueBytes: 8 * 1024 * 1024, ttlMs: 1 },
    ...subject.supports,
  };
  let engine: Engine;
  before(async () => {
    engine = (await subject.start?.()) as Engine;
  });
  after(async () => {
    const { [Symbol.asyncDispose]: dispose } = (engine ?? {}) as Partial<AsyncDisposable>;
    await dispose?.call(engine as AsyncDisposable);
  });
  return {
    supports,
    test(name, run) {
      test(name, { timeout }, async () => {
        const stores: Store[] = [];
        const table = `conformance-${randomUUID().slice(0, 8)}`;
        const create: StoreTools["create"] = (options = {}) => {
          const store = subject.create(engine, { table, ...options });
          stores.push(store);
          return store;
        };
        const other: StoreTools["other"] = (store) => (supports.shared ? create() : store);
        // A promise alone keeps no process alive, and a store that forgot to settle one must be seen.
        const keepAlive = setInterval(() => {}, 1_000);
        try {
          await run({ table, create, other });
        } finally {
          clearInterval(keepAlive);
          await Promise.all(stores.map((store) => store.close()));
        }
      });
    },
  };
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);

/** The value of `key` as a text; `undefined` when there is no such record. */
export async function textOf(store: Store, key: string, place = {}): Promise<string | undefined> {
  try {
    const records = await store.read(key, place);
    return records.map(({ value }) => Buffer.from(value).toString()).join("|");
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export const isNotFound = (error: unknown): boolean =>
  MicroError.is(error) && error.code === 404 && error.id === "go.micro.store";

export const isBadRequest = (error: unknown): boolean =>
  MicroError.is(error) && error.code === 400 && error.detail !== "";

/** Writes a record for each key, whose value is the key. */
export async function fill(store: Store, keys: readonly string[]): Promise<void> {
  await Promise.all(keys.map((key) => store.write({ key, value: bytes(key) })));
}
