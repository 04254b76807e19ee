import type { MsgHdrs } from "@ts-micro/nats-connection";
import {
  connectionDefaults,
  headers,
  type NatsConnectionOptions,
  newConnection,
} from "@ts-micro/nats-connection";
import { MicroError, newLogger } from "ts-micro";
import {
  checkKey,
  decodeStored,
  type EncodedRecord,
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
  selectKeys,
  storeId,
} from "ts-micro/store";
import { newBuckets } from "./buckets.ts";
import { bucketOf, keyOf, keySubject, tableSubject } from "./names.ts";

export interface NatsStoreOptions extends StoreOptions, NatsConnectionOptions {
  /** How many servers of a cluster keep each record, for buckets that are made. @default 1 */
  replicas?: number;
}

/** The payload is the value itself; the rest of a record is in these headers of the message. */
const metadataHeader = "Micro-Metadata";
/** Milliseconds since 1970, by the clock of whoever wrote it. */
const expiresHeader = "Micro-Expires-At";

/** How many records are read at the same time. */
const readAtOnce = 32;

/**
 * NATS JetStream as a store: buckets of NATS's own key-value store. `write` resolves when JetStream has stored the
 * record.
 * @throws MicroError 400 for options that are none
 */
export function newStore(options: NatsStoreOptions = {}): Store {
  const { timeoutMs = connectionDefaults.timeoutMs, replicas = 1 } = options;
  const logger = (options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL })).child({
    store: "nats",
  });
  const connection = newConnection(options, { kind: "store", errorId: storeId, logger });
  const buckets = newBuckets({ connection, timeoutMs, replicas });
  const underWay = newUnderWay("nats");

  async function readOne(place: Required<StorePlace>, key: string): Promise<StoreRecord | undefined> {
    const message = await buckets.last(bucketOf(place), keySubject(place, key));
    if (message === undefined) return undefined;
    const leftMs = leftOf(message.header);
    if (leftMs !== undefined && leftMs <= 0) return undefined;
    const metadata = message.header.get(metadataHeader) || "{}";
    return decodeStored(key, Buffer.from(message.data), metadata, leftMs);
  }

  /** JetStream can neither sort nor filter keys, so that the whole table's are looked at, without their values. */
  async function select(place: Required<StorePlace>, selection: Selection): Promise<string[]> {
    const bucket = bucketOf(place);
    const keys: string[] = [];
    const freed: Promise<void>[] = [];
    for (const { subject, seq, header } of await buckets.all(bucket, tableSubject(place))) {
      if ((leftOf(header) ?? 1) > 0) keys.push(keyOf(subject));
      else freed.push(free(bucket, subject, seq));
    }
    await Promise.all(freed);
    return selectKeys(keys, selection);
  }

  /** What is over is removed by whoever finds it, unless it was written again meanwhile. */
  async function free(bucket: string, subject: string, seq: number): Promise<void> {
    await buckets.remove(bucket, subject, seq).catch((error) => logger.debug(String(error)));
  }

  function close(): Promise<void> {
    return underWay.close(() => connection.close());
  }

  return {
    name: "nats",
    connect: () => underWay.run(async () => void (await buckets.connect())),
    read: (key, readOptions = {}) =>
      underWay.run(async () => {
        const selection = selectionOfRead(key, readOptions);
        const place = placeOf(options, readOptions);
        if (selection === undefined) {
          const record = await readOne(place, key);
          if (record === undefined) throw recordNotFound(key, place);
          return [record];
        }
        const keys = await select(place, selection);
        const records: StoreRecord[] = [];
        while (keys.length > 0) {
          const part = await Promise.all(keys.splice(0, readAtOnce).map((each) => readOne(place, each)));
          // One that was deleted meanwhile is none.
          records.push(...part.flatMap((record) => record ?? []));
        }
        return records;
      }),
    write: (record, writeOptions = {}) =>
      underWay.run(async () => {
        const place = placeOf(options, writeOptions);
        const encoded = encodeRecord(record, writeOptions);
        const { maxPayload } = await buckets.connect();
        const header = headersOf(encoded);
        // Both count; the constant is for the names and what surrounds them.
        const bytes = encoded.value.length + encoded.metadata.length + 200;
        if (bytes > maxPayload) throw tooLong(encoded.key, bytes, maxPayload);
        await buckets.publish(bucketOf(place), keySubject(place, encoded.key), encoded.value, header);
      }),
    delete: (key, given = {}) =>
      underWay.run(async () => {
        checkKey(key);
        const place = placeOf(options, given);
        await buckets.remove(bucketOf(place), keySubject(place, key));
      }),
    list: (listOptions = {}) =>
      underWay.run(async () => {
        const selection = selectionOfList(listOptions);
        return select(placeOf(options, listOptions), selection);
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function headersOf({ metadata, ttlMs }: EncodedRecord): MsgHdrs {
  const header = headers();
  // Nothing but ASCII is sure to pass a header.
  const ascii = metadata.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (metadata !== "{}") header.set(metadataHeader, ascii);
  if (ttlMs !== undefined) header.set(expiresHeader, String(Date.now() + ttlMs));
  return header;
}

/** What is left of the time, in milliseconds; `undefined` for ever. */
function leftOf(header: MsgHdrs | undefined): number | undefined {
  const text = header?.get(expiresHeader) ?? "";
  return text === "" ? undefined : Number(text) - Date.now();
}

function tooLong(key: string, bytes: number, maxPayload: number): MicroError {
  const detail = `the record "${key}" has ${bytes} bytes; the nats server takes ${maxPayload} (max_payload)`;
  return new MicroError({ id: storeId, code: 413, detail, reason: "too-large" });
}
