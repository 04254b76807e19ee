/**
 * A store in files of one machine, for a single process per table. go-micro v6 has bbolt in this place
 * (`store/file.go`); this one needs nothing but Node, and survives being killed in the middle of a write.
 */

import { badRequest } from "../errors.ts";
import { newLogger } from "../logger.ts";
import { recordNotFound, storeId } from "./failures.ts";
import { defaultFolder, logPath } from "./file-names.ts";
import type { FileTable } from "./file-table.ts";
import { checkKey, encodeRecord, placeOf, selectionOfList, selectionOfRead } from "./request.ts";
import type { Store, StoreOptions, StorePlace } from "./store.ts";
import { newSweeper } from "./sweeper.ts";
import { toKept } from "./table.ts";
import { newUnderWay } from "./under-way.ts";

/** `addresses[0]` is the folder. @default `~/micro/store`, as go-micro v6's */
export interface FileStoreOptions extends StoreOptions {
  /**
   * Whether `write` and `delete` resolve only when the disk has the change. Without it they are faster, and survive the
   * death of the process but not of the machine.
   * @default true
   */
  sync?: boolean;
}

/**
 * Every table that is used is a file, read into memory when it is first used: `<folder>/<database>/<table>.log`.
 * @throws MicroError 400 when there is more than one address.
 */
export function newFileStore(options: FileStoreOptions = {}): Store {
  const { addresses = [], sync = true } = options;
  const logger = options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL });
  if (addresses.length > 1) {
    throw badRequest(
      storeId,
      `the file store has one folder, not ${addresses.length}: ${addresses.join(", ")}`,
    );
  }
  const folder = addresses[0] ?? defaultFolder();
  const underWay = newUnderWay("file");
  const opening = new Map<string, Promise<FileTable>>();
  const open = new Set<FileTable>();
  const sweeper = newSweeper(() => [...open]);

  function table(place: StorePlace): Promise<FileTable> {
    const path = logPath(folder, placeOf(options, place));
    const present = opening.get(path) ?? openTable(path);
    opening.set(path, present);
    return present;
  }

  /** A failure isn't kept: whoever has the table may let go of it. */
  async function openTable(path: string): Promise<FileTable> {
    try {
      const { FileTable } = await import("./file-table.ts");
      const opened = await FileTable.open({ path, sync, logger });
      open.add(opened);
      if (opened.hasExpiring) sweeper.soon();
      return opened;
    } catch (error) {
      opening.delete(path);
      throw error;
    }
  }

  function close(): Promise<void> {
    return underWay.close(async () => {
      sweeper.end();
      await Promise.all([...open].map((each) => each.close()));
    });
  }

  return {
    name: "file",
    connect: () => underWay.run(async () => void (await table({}))),
    read: (key, readOptions = {}) =>
      underWay.run(async () => {
        const selection = selectionOfRead(key, readOptions);
        const { records } = await table(readOptions);
        if (selection !== undefined) return records.read(selection);
        const record = records.get(key);
        if (record === undefined) throw recordNotFound(key, placeOf(options, readOptions));
        return [record];
      }),
    write: (record, writeOptions = {}) =>
      underWay.run(async () => {
        const encoded = toKept(encodeRecord(record, writeOptions));
        await (await table(writeOptions)).set(encoded);
        if (encoded.expiresAt !== undefined) sweeper.soon();
      }),
    delete: (key, place = {}) =>
      underWay.run(async () => {
        checkKey(key);
        await (await table(place)).delete(key);
      }),
    list: (listOptions = {}) =>
      underWay.run(async () => {
        const selection = selectionOfList(listOptions);
        return (await table(listOptions)).records.select(selection);
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
