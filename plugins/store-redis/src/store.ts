import {
  isNoPrimary,
  isRefusal,
  newConnection,
  type RedisConnectionOptions,
  type Reply,
  refusedAs,
  type Session,
} from "@ts-micro/redis-connection";
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
  type StoreOptions,
  type StorePlace,
  type StoreRecord,
  selectionOfList,
  selectionOfRead,
  storeId,
} from "ts-micro/store";
import * as scripts from "./scripts.ts";

/** `timeoutMs` limits each command; a list of many keys takes several. */
export interface RedisStoreOptions extends StoreOptions, RedisConnectionOptions {}

/** Redis takes 512 MB in one text. */
const maxValueBytes = 256 * 1024 * 1024;

/** How many keys the server looks at while all others wait, and how many records it gives at once. */
const keysAtOnce = 1_000;
const recordsAtOnce = 100;

/**
 * Redis as a store. `write` resolves when the server has the record; what becomes of it when the server dies is decided
 * by how Redis is set up.
 * @throws MicroError 400 for options that are none
 */
export function newStore(options: RedisStoreOptions = {}): Store {
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    store: "redis",
  });
  const connection = newConnection(options, { kind: "store", errorId: storeId, logger });
  const underWay = newUnderWay("redis");

  /** The connection comes back by itself once it was there. */
  async function connected(): Promise<Session> {
    await connection.open();
    return connection.session();
  }

  async function run(
    { sha, text }: scripts.Script,
    place: Required<StorePlace>,
    args: readonly (string | Buffer)[],
  ): Promise<Reply> {
    const session = await connected();
    const keys = scripts.keysOf(place);
    const rest = [String(keys.length), ...keys, ...args];
    try {
      try {
        return await session.command(["EVALSHA", sha, ...rest]);
      } catch (thrown) {
        // A server that was started anew knows no script.
        if (!isRefusal(thrown, "NOSCRIPT")) throw thrown;
        return await session.command(["EVAL", text, ...rest]);
      }
    } catch (thrown) {
      if (isNoPrimary(thrown)) session.drop("it is a replica now");
      throw refusedAs(thrown, `use the table ${place.database}/${place.table}`, session.server, storeId);
    }
  }

  /** Part by part, so that a long list doesn't stop the server; each part is as it was at one moment. */
  async function* select(place: Required<StorePlace>, selection: Selection, wantsRecords: boolean) {
    const { prefix, suffix } = selection;
    const look = wantsRecords ? recordsAtOnce : keysAtOnce;
    let { offset, limit } = selection;
    let from = prefix === "" ? Buffer.from("-") : Buffer.from(`[${prefix}`);
    const to = prefix === "" ? "+" : behind(prefix);
    while (limit > 0) {
      const numbers = [look, offset, Math.min(limit, look), wantsRecords ? 1 : 0].map(String);
      const reply = await run(scripts.select, place, [from, to, suffix, ...numbers]);
      const [last, passed, fitting] = reply as [Buffer | null, number, Reply[]];
      yield* fitting;
      if (last === null) return;
      offset -= passed;
      limit -= fitting.length;
      from = Buffer.concat([Buffer.from("("), last]);
    }
  }

  function close(): Promise<void> {
    return underWay.close(() => connection.close());
  }

  return {
    name: "redis",
    connect: () => underWay.run(async () => void (await connected())),
    read: (key, readOptions = {}) =>
      underWay.run(async () => {
        const selection = selectionOfRead(key, readOptions);
        const place = placeOf(options, readOptions);
        if (selection === undefined) {
          const found = (await run(scripts.read, place, [key])) as Rest | null;
          if (found === null) throw recordNotFound(key, place);
          return [recordOf(key, ...found)];
        }
        const records: StoreRecord[] = [];
        for await (const reply of select(place, selection, true)) {
          const [found, ...rest] = reply as [Buffer, ...Rest];
          records.push(recordOf(found.toString(), ...rest));
        }
        return records;
      }),
    write: (record, writeOptions = {}) =>
      underWay.run(async () => {
        const place = placeOf(options, writeOptions);
        const { key, value, metadata, ttlMs } = encodeRecord(record, writeOptions);
        if (value.length > maxValueBytes) throw tooLong(key, value.length);
        await run(scripts.write, place, [key, value, metadata, ttlMs === undefined ? "" : String(ttlMs)]);
      }),
    delete: (key, given = {}) =>
      underWay.run(async () => {
        checkKey(key);
        await run(scripts.remove, placeOf(options, given), [key]);
      }),
    list: (listOptions = {}) =>
      underWay.run(async () => {
        const selection = selectionOfList(listOptions);
        const keys: string[] = [];
        for await (const key of select(placeOf(options, listOptions), selection, false))
          keys.push(String(key));
        return keys;
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Rest = [value: Buffer, metadata: Buffer, leftMs: number];

function recordOf(key: string, value: Buffer, metadata: Buffer, leftMs: number): StoreRecord {
  return decodeStored(key, value, String(metadata), leftMs === -1 ? undefined : leftMs);
}

/** The end of a range of all keys that begin with `prefix`: no byte of UTF-8 is 0xff, so the last can be one more. */
function behind(prefix: string): Buffer {
  const bytes = Buffer.from(`(${prefix}`);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) + 1, bytes.length - 1);
  return bytes;
}

function tooLong(key: string, bytes: number): MicroError {
  const detail = `the value of "${key}" has ${bytes} bytes; the redis store takes ${maxValueBytes}`;
  return new MicroError({ id: storeId, code: 413, detail, reason: "too-large" });
}
