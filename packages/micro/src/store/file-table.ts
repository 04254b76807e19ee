/**
 * One table in a file: all records in memory, every change at the end of a log before it counts.
 */
import { constants, type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { internalServerError, MicroError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { storeId } from "./failures.ts";
import { type Entry, encodeEntry, entryBytes, fileHead, readEntries } from "./file-entry.ts";
import { type FileLock, takeLock } from "./file-lock.ts";
import { isExpired, type KeptRecord, Table } from "./table.ts";

export interface FileTableOptions {
  /** The log's path. Beside it lies the lock. */
  readonly path: string;
  /** Whether a change counts only when the disk has it. */
  readonly sync: boolean;
  readonly logger: Logger;
}

interface Change {
  readonly entry: Entry;
  readonly bytes: Buffer;
  resolve(): void;
  reject(error: unknown): void;
}

/** A log that is shorter is never written anew, in bytes. */
const compactFrom = 1024 * 1024;

export class FileTable {
  readonly records = new Table();
  readonly #options: FileTableOptions;
  readonly #lock: FileLock;
  #file: FileHandle;
  /** Where the next entry goes, in bytes. */
  #size = 0;
  /** How many of them are needed. */
  #live = 0;
  /** The size at which the log is written anew. */
  #compactAt = compactFrom;
  #queue: Change[] = [];
  #writing: Promise<void> | undefined;
  /** What makes it impossible to go on. */
  #broken: unknown;
  readonly #breaks = (error: unknown): void => {
    this.#broken = error;
  };

  private constructor(options: FileTableOptions, lock: FileLock, file: FileHandle) {
    this.#options = options;
    this.#lock = lock;
    this.#file = file;
  }

  /**
   * Takes the lock and reads the log; the end of one that was cut off is cut off.
   * @throws MicroError 503 when another process has the table, 500 when the file can't be used.
   */
  static async open(options: FileTableOptions): Promise<FileTable> {
    const { path, logger } = options;
    let lock: FileLock | undefined;
    try {
      await mkdir(dirname(path), { recursive: true });
      const onWait = (file: string): void =>
        logger.warn(
          `${file} belongs to another machine or container; waiting to see whether its owner is alive`,
        );
      lock = await takeLock(`${path}.lock`, { onWait });
      await rm(newPath(path), { force: true });
      const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      const table = new FileTable(options, lock, file);
      await table.#read();
      return table;
    } catch (error) {
      await lock?.release();
      throw failed(`${path} can't be used`, error);
    }
  }

  get hasExpiring(): boolean {
    return this.records.hasExpiring;
  }

  /** Resolves when the log has it and `records` shows it. */
  set(record: KeptRecord): Promise<void> {
    return this.#change(record);
  }

  /** Resolves when the log has the deletion and `records` shows it. */
  async delete(key: string): Promise<void> {
    const isThere = this.records.has(key) || this.#writing !== undefined;
    if (isThere) await this.#change({ key, deleted: true });
  }

  #change(entry: Entry): Promise<void> {
    const bytes = encodeEntry(entry);
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, bytes, resolve, reject });
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  /** Removes expired records. Their room in the file is given back with the next log. */
  sweep(): void {
    for (const record of this.records.sweep()) this.#live -= entryBytes(record);
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
    await this.#lock.release();
  }

  async #read(): Promise<void> {
    const { path, logger } = this.#options;
    const now = Date.now();
    try {
      const end = await readEntries(this.#file, (entry) => {
        if ("deleted" in entry || isExpired(entry, now)) this.#forget(entry.key);
        else this.#remember(entry);
      });
      const { size } = await this.#file.stat();
      if (end < size)
        logger.warn(`${path}: ${size - end} bytes at its end are an incomplete write and were cut off`);
      await this.#file.truncate(end);
      this.#size = end;
      if (end === 0) await this.#begin();
    } catch (error) {
      await this.#file.close();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    await writeAll(this.#file, fileHead, 0);
    this.#size = fileHead.length;
    await this.#file.datasync();
    await syncFolder(this.#options.path);
  }

  /** Takes all that waits at once: one look at the disk for many changes. Never rejects. */
  async #write(): Promise<void> {
    // What is called in this turn is taken together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const changes = this.#queue;
      this.#queue = [];
      try {
        await this.#append(Buffer.concat(changes.map(({ bytes }) => bytes)));
      } catch (error) {
        for (const { reject } of changes) reject(failed(`${this.#options.path} can't be written`, error));
        continue;
      }
      for (const { entry, resolve } of changes) {
        if ("deleted" in entry) this.#forget(entry.key);
        else this.#remember(entry);
        resolve();
      }
      if (this.#size > this.#compactAt) await this.#compact();
    }
  }

  async #append(bytes: Buffer): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    await this.#lock.check();
    try {
      await writeAll(this.#file, bytes, this.#size);
    } catch (error) {
      await this.#file.truncate(this.#size).catch(this.#breaks);
      throw error;
    }
    // What a failed sync has left on the disk is known to nobody; the next start finds out.
    if (this.#options.sync) await this.#file.datasync().catch(this.#breaks);
    if (this.#broken !== undefined) throw this.#broken;
    this.#size += bytes.length;
  }

  #remember(record: KeptRecord): void {
    const before = this.records.set(record);
    this.#live += entryBytes(record) - (before === undefined ? 0 : entryBytes(before));
  }

  #forget(key: string): void {
    const before = this.records.delete(key);
    if (before !== undefined) this.#live -= entryBytes(before);
  }

  /** Writes the log anew, with nothing but what is needed, when that is less than half of it. */
  async #compact(): Promise<void> {
    this.sweep();
    if (this.#size > 2 * this.#live) {
      const { path, logger } = this.#options;
      try {
        await this.#replace();
      } catch (error) {
        await rm(newPath(path), { force: true }).catch(() => {});
        logger.warn(`${path} can't be compacted and keeps growing: ${String(error)}`);
      }
    }
    this.#compactAt = Math.max(compactFrom, 2 * this.#size);
  }

  async #replace(): Promise<void> {
    const { path } = this.#options;
    const file = await open(newPath(path), "wx", 0o600);
    let size = 0;
    try {
      for (const bytes of chunks(this.records.records())) {
        await writeAll(file, bytes, size);
        size += bytes.length;
      }
      await file.datasync();
    } finally {
      await file.close();
    }
    await this.#lock.check();
    // Windows renames nothing onto an open file.
    await this.#file.close();
    try {
      await rename(newPath(path), path);
      await syncFolder(path);
    } finally {
      this.#file = await open(path, "r+");
      this.#size = (await this.#file.stat()).size;
    }
  }
}

function newPath(path: string): string {
  return `${path}.new`;
}

/** The bytes of a log, in parts of a moderate size. */
function* chunks(records: Iterable<KeptRecord>): Iterable<Buffer> {
  let [parts, bytes]: [Buffer[], number] = [[fileHead], 0];
  for (const record of records) {
    const entry = encodeEntry(record);
    parts.push(entry);
    bytes += entry.length;
    if (bytes < 1024 * 1024) continue;
    yield Buffer.concat(parts);
    [parts, bytes] = [[], 0];
  }
  yield Buffer.concat(parts);
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** A name in a folder is on the disk only when the folder is. Windows knows no such thing. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}

function failed(what: string, error: unknown): MicroError {
  if (MicroError.is(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return internalServerError(storeId, `${what}: ${reason}`, { cause: error });
}
