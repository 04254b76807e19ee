import { setTimeout as pause } from "node:timers/promises";
import { type Logger, retryWaitMs } from "ts-micro";
import { KnownNodes, type NodeEntry, type Result } from "ts-micro/registry";
import { asMicroError, EtcdError, grpcCode } from "./etcd-error.ts";
import type { Gateway } from "./gateway.ts";
import { below } from "./keys.ts";
import { type Header, type KeyValue, list, type RangeAnswer, recordOf, revisionOf } from "./store.ts";
import type { Stream } from "./stream.ts";

export interface FollowerOptions {
  readonly gateway: Gateway;
  /** Of the keys to follow. */
  readonly prefix: string;
  readonly silenceMs: number;
  readonly graceMs: number;
  readonly logger: Logger;
  onChange(change: Result): void;
}

interface WatchMessage {
  header?: Header;
  canceled?: boolean;
  cancel_reason?: string;
  compact_revision?: string;
  events?: { type?: "DELETE"; kv: KeyValue }[];
}

/** Longest wait before etcd is asked again, in milliseconds. */
const longestRetryMs = 2_000;

/**
 * Tells what changes below a prefix, for as long as it is open, whatever happens to etcd.
 *
 * It remembers the entries and the revision of the last change, and goes on after that one when a stream breaks.
 * When etcd can't tell any more what came since, it compares all entries. When etcd has lost its data, entries that
 * are missing are kept for `graceMs`: their services will register again.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #known: KnownNodes;
  /** Of each entry's last change, by its key. */
  readonly #revisions = new Map<string, number>();
  #revision = 0;
  #stream: Stream | undefined;
  readonly #closed = new AbortController();

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#known = new KnownNodes(options.onChange);
  }

  /** Resolves once changes are being told. @throws as `Gateway.call` */
  async start(): Promise<void> {
    this.#known.begin(await this.#list());
    this.#stream = await this.#open();
    void this.#follow();
  }

  /** Idempotent. */
  close(): void {
    this.#closed.abort();
    this.#stream?.close();
    this.#known.close();
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  async #follow(): Promise<void> {
    const { logger, prefix } = this.#options;
    let failures = 0;
    let hasWarned = false;
    while (!this.isClosed) {
      try {
        if (this.#stream === undefined) {
          await this.#catchUp();
          this.#stream = await this.#open();
          logger.log(hasWarned ? "info" : "debug", `etcd: ${prefix} is watched again`);
          failures = 0;
          hasWarned = false;
        }
        await this.#silence(this.#stream);
        if (this.isClosed) break;
        // What still comes on the old one while the new one opens would be told twice.
        this.#stream.close();
        this.#stream = await this.#open();
      } catch (error) {
        this.#stream?.close();
        this.#stream = undefined;
        if (this.isClosed) return;
        const text = `etcd: the watch of ${prefix} broke, its last known nodes are used: ${asMicroError(error).detail}`;
        // Compaction is etcd's daily routine, and means nothing to who reads the log.
        const isNews: boolean = !hasWarned && !isOutOfRange(error);
        logger.log(isNews ? "warn" : "debug", text);
        hasWarned ||= isNews;
        failures++;
        await this.#wait(retryWaitMs(failures, longestRetryMs));
      }
    }
    this.#stream?.close();
  }

  /** Resolves when nothing came for `silenceMs`. @throws what broke the stream */
  async #silence(stream: Stream): Promise<void> {
    for (;;) {
      const leftMs = stream.heardAt + this.#options.silenceMs - performance.now();
      if (leftMs <= 0) return;
      await Promise.race([stream.broken, this.#wait(leftMs)]);
      if (this.isClosed) return;
    }
  }

  async #wait(ms: number): Promise<void> {
    await pause(ms, undefined, { ref: false, signal: this.#closed.signal }).catch(() => {});
  }

  /** A stream of the changes after the last one that was told. */
  #open(): Promise<Stream> {
    const create = { ...below(this.#options.prefix), start_revision: this.#revision + 1 };
    const take = (message: unknown): void => this.#take(message as WatchMessage);
    const { signal } = this.#closed;
    return this.#options.gateway.stream("watch", { create_request: create }, take, { signal });
  }

  /** @throws EtcdError when etcd ended the watch */
  #take({ canceled, cancel_reason, compact_revision, events = [] }: WatchMessage): void {
    if (canceled === true) {
      if (compact_revision === undefined)
        throw new EtcdError(cancel_reason ?? "canceled", grpcCode.unavailable);
      throw new EtcdError(`what came after revision ${this.#revision} was compacted`, grpcCode.outOfRange);
    }
    for (const { type, kv } of events) {
      if (type === "DELETE") {
        this.#revisions.delete(kv.key);
        this.#known.remove(kv.key);
      } else for (const entry of this.#entriesOf([kv])) this.#known.put(...entry);
      this.#revision = revisionOf(kv.mod_revision);
    }
  }

  /** Makes sure that what is known is what etcd had at that revision, so that a watch can go on from there. */
  async #catchUp(): Promise<void> {
    const key = this.#known.keys().find((each) => this.#known.isPresent(each));
    // Nothing can be missed or be missing.
    if (key === undefined) return this.#compare({ lost: this.#known.size > 0 });
    try {
      const question = { key, revision: this.#revision, keys_only: true };
      const { kvs } = (await this.#options.gateway.call("kv/range", question, {
        signal: this.#closed.signal,
      })) as RangeAnswer;
      if (revisionOf(kvs?.[0]?.mod_revision) === this.#revisions.get(key)) return;
    } catch (error) {
      if (!isOutOfRange(error)) throw error;
      if (error.message.includes("compacted")) return this.#compare({ lost: false });
    }
    this.#options.logger.warn(`etcd: it has lost its data; nodes that don't register again are given up`);
    await this.#compare({ lost: true });
  }

  /** Replaces what is known by what is there, and tells the difference. */
  async #compare({ lost }: { lost: boolean }): Promise<void> {
    const entries = await this.#list();
    if (!this.isClosed) this.#known.replace(entries, lost ? this.#options.graceMs : 0);
  }

  /** All entries, and the revision that they are of. */
  async #list(): Promise<NodeEntry[]> {
    const { gateway, prefix } = this.#options;
    const { header, kvs = [] } = await list(gateway, prefix, {
      serializable: false,
      signal: this.#closed.signal,
    });
    this.#revision = revisionOf(header?.revision);
    this.#revisions.clear();
    return this.#entriesOf(kvs);
  }

  /** What is no record is passed over. */
  #entriesOf(kvs: readonly KeyValue[]): NodeEntry[] {
    return kvs.flatMap((kv): NodeEntry[] => {
      const service = recordOf(kv);
      if (service === undefined) return [];
      this.#revisions.set(kv.key, revisionOf(kv.mod_revision));
      return [[kv.key, service, kv.value ?? ""]];
    });
  }
}

/** The revision is older than what etcd keeps, or newer than what it has. */
function isOutOfRange(error: unknown): error is EtcdError {
  return error instanceof EtcdError && error.grpcCode === grpcCode.outOfRange;
}
