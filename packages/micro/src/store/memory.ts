/**
 * A store inside this process, the default as in go-micro (`store/memory/memory.go`). Unlike go-micro's, it filters
 * before it sorts and cuts.
 */
import { recordNotFound, storeClosed } from "./failures.ts";
import { checkKey, encodeRecord, placeOf, selectionOfList, selectionOfRead } from "./request.ts";
import type { Store, StoreOptions, StorePlace } from "./store.ts";
import { newSweeper } from "./sweeper.ts";
import { Table, toKept } from "./table.ts";

/** `addresses[0]` names the hub; @default "default" */
export interface MemoryStoreOptions extends StoreOptions {}

/**
 * Stores with the same first address share their records, so that several services of a process can; they are gone
 * when the last of these stores is closed, and with the process.
 */
export function newMemoryStore(options: MemoryStoreOptions = {}): Store {
  const hubName = options.addresses?.[0] ?? "default";
  let hub: Hub | undefined;
  let closed = false;

  function table(given: StorePlace): Table {
    const place = placeOf(options, given);
    return join().table(place);
  }

  function join(): Hub {
    if (closed) throw storeClosed("memory");
    hub ??= joinHub(hubName);
    return hub;
  }

  async function close(): Promise<void> {
    closed = true;
    if (hub !== undefined) leaveHub(hubName, hub);
    hub = undefined;
  }

  return {
    name: "memory",
    async connect() {
      join();
    },
    async read(key, readOptions = {}) {
      const selection = selectionOfRead(key, readOptions);
      const place = placeOf(options, readOptions);
      if (selection !== undefined) return table(place).read(selection);
      const record = table(place).get(key);
      if (record === undefined) throw recordNotFound(key, place);
      return [record];
    },
    async write(record, writeOptions = {}) {
      const encoded = encodeRecord(record, writeOptions);
      table(writeOptions).set(toKept(encoded));
      if (encoded.ttlMs !== undefined) hub?.sweepLater();
    },
    async delete(key, place = {}) {
      checkKey(key);
      table(place).delete(key);
    },
    async list(listOptions = {}) {
      const selection = selectionOfList(listOptions);
      return table(listOptions).select(selection);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const hubs = new Map<string, Hub>();

function joinHub(name: string): Hub {
  const hub = hubs.get(name) ?? new Hub();
  hub.stores++;
  hubs.set(name, hub);
  return hub;
}

function leaveHub(name: string, hub: Hub): void {
  if (--hub.stores > 0) return;
  hubs.delete(name);
  hub.end();
}

class Hub {
  /** Stores that were used and aren't closed. */
  stores = 0;
  readonly #databases = new Map<string, Map<string, Table>>();
  readonly #sweeper = newSweeper(() => [...this.#databases.values()].flatMap((each) => [...each.values()]));

  table({ database, table }: Required<StorePlace>): Table {
    const tables = this.#databases.get(database) ?? new Map<string, Table>();
    this.#databases.set(database, tables);
    const found = tables.get(table) ?? new Table();
    tables.set(table, found);
    return found;
  }

  sweepLater(): void {
    this.#sweeper.soon();
  }

  end(): void {
    this.#sweeper.end();
  }
}
