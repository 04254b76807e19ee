import { MicroError, newLogger } from "ts-micro";
import {
  checkKey,
  decodeStored,
  encodeRecord,
  newUnderWay,
  placeOf,
  recordNotFound,
  type Selection,
  type Store,
  type StorePlace,
  type StoreRecord,
  selectionOfList,
  selectionOfRead,
  storeId,
} from "ts-micro/store";
import { type PostgresStoreOptions, settingsOf } from "./options.ts";
import { newServers } from "./servers.ts";
import { behind, statements } from "./statements.ts";

/** Below what PostgreSQL can answer in one message, where a value takes twice its bytes. */
const maxValueBytes = 256 * 1024 * 1024;

/** How often a store looks for what is over, to free its room. */
const sweepMs = 60_000;

interface Row {
  readonly key: string;
  readonly value: Buffer;
  readonly metadata: string;
  readonly left_ms: number | null;
}

/**
 * PostgreSQL as a store. `write` resolves when the server has committed it.
 * @throws MicroError 400 for options that are none
 */
export function newStore(options: PostgresStoreOptions = {}): Store {
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    store: "postgres",
  });
  const servers = newServers(settingsOf(options), logger);
  const underWay = newUnderWay("postgres");
  let sweptAt = performance.now();

  async function query(text: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await servers.run((client) => client.query<Row>(text, [...values]), { isRead: true });
    return rows;
  }

  async function change(text: string, values: readonly unknown[]): Promise<void> {
    await servers.run((client) => client.query(text, [...values]));
  }

  /** Nobody waits for it: what is over is over for everybody, swept or not. */
  function sweepSometimes(): void {
    if (performance.now() - sweptAt < sweepMs) return;
    sweptAt = performance.now();
    underWay.run(() => change(statements.sweep, [])).catch((error) => logger.debug(String(error)));
  }

  function close(): Promise<void> {
    return underWay.close(() => servers.close());
  }

  return {
    name: "postgres",
    connect: () => underWay.run(() => servers.run(async () => {})),
    read: (key, readOptions = {}) =>
      underWay.run(async () => {
        const selection = selectionOfRead(key, readOptions);
        const place = placeOf(options, readOptions);
        if (selection !== undefined) {
          return (await query(statements.select, valuesOf(place, selection))).map(recordOf);
        }
        const rows = await query(statements.read, [place.database, place.table, key]);
        if (rows.length === 0) throw recordNotFound(key, place);
        return rows.map(recordOf);
      }),
    write: (record, writeOptions = {}) =>
      underWay.run(async () => {
        const { database, table } = placeOf(options, writeOptions);
        const { key, value, metadata, ttlMs } = encodeRecord(record, writeOptions);
        if (value.length > maxValueBytes) throw tooLong(key, value.length);
        sweepSometimes();
        await change(statements.write, [database, table, key, value, metadata, ttlMs ?? null]);
      }),
    delete: (key, given = {}) =>
      underWay.run(async () => {
        checkKey(key);
        const { database, table } = placeOf(options, given);
        await change(statements.delete, [database, table, key]);
      }),
    list: (listOptions = {}) =>
      underWay.run(async () => {
        const selection = selectionOfList(listOptions);
        const rows = await query(statements.list, valuesOf(placeOf(options, listOptions), selection));
        return rows.map(({ key }) => key);
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function valuesOf({ database, table }: Required<StorePlace>, selection: Selection): unknown[] {
  const { prefix, suffix, limit, offset } = selection;
  const rows = Number.isFinite(limit) ? limit : null;
  return [database, table, prefix, behind(prefix) ?? null, suffix, rows, offset];
}

function recordOf({ key, value, metadata, left_ms }: Row): StoreRecord {
  return decodeStored(key, value, metadata, left_ms ?? undefined);
}

function tooLong(key: string, bytes: number): MicroError {
  const detail = `the value of "${key}" has ${bytes} bytes; the postgres store takes ${maxValueBytes}`;
  return new MicroError({ id: storeId, code: 413, detail, reason: "too-large" });
}
