import { setTimeout as pause } from "node:timers/promises";
import { type Logger, retryWaitMs } from "ts-micro";
import type { Api, Stream } from "./api.ts";
import { asMicroError, KubernetesError } from "./kubernetes-error.ts";

export interface KubernetesObject {
  metadata: { name: string; resourceVersion?: string };
}

interface ObjectList<T> {
  metadata?: { resourceVersion?: string };
  items?: T[] | null;
}

interface WatchEvent<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  /** With `ERROR`, a `Status`. */
  object: T & { code?: number; message?: string };
}

export interface ReflectorOptions<T> {
  readonly api: Api;
  /** Of the list, with its selector. */
  readonly path: string;
  readonly watchMs: number;
  readonly timeoutMs: number;
  readonly logger: Logger;
  onChange(objects: Iterable<T>): void;
}

/** Longest wait before the API server is asked again, in milliseconds. */
const longestRetryMs = 2_000;

/**
 * Keeps a copy of a list of objects, for as long as it is open, whatever happens to the API server.
 *
 * The list is read once and watched from its version on. A watch that ends is opened anew after the last version
 * that was seen, which bookmarks carry on where nothing changes; when that is too old to go on from, the list is
 * read again (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).
 */
export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #closed = new AbortController();
  #objects = new Map<string, T>();
  #version: string | undefined;
  #stream: Stream | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** Resolves once changes are being recorded. @throws as `Api.get` */
  async start(): Promise<void> {
    await this.#list();
    this.#stream = await this.#watch();
    void this.#follow();
  }

  /** Idempotent. */
  close(): void {
    this.#closed.abort();
    this.#stream?.close();
  }

  get isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  async #follow(): Promise<void> {
    const { logger, path } = this.#options;
    let failures = 0;
    while (!this.isClosed) {
      try {
        if (this.#version === undefined) await this.#list();
        this.#stream ??= await this.#watch();
        if (failures > 0) logger.info(`kubernetes: ${path} is watched again`);
        failures = 0;
        for await (const line of this.#stream) this.#take(JSON.parse(line) as WatchEvent<T>);
      } catch (error) {
        if (this.isClosed) return;
        // What is too old happens every day, and means nothing to who reads the log.
        if (error instanceof KubernetesError && error.isLostVersion) this.#version = undefined;
        else {
          const text = `kubernetes: the watch of ${path} broke, the last known nodes are used: ${asMicroError(error).detail}`;
          logger.log(failures === 0 ? "warn" : "debug", text);
          failures++;
        }
        await this.#wait(retryWaitMs(failures, longestRetryMs));
      }
      this.#stream?.close();
      this.#stream = undefined;
    }
  }

  async #list(): Promise<void> {
    const { api, path, onChange } = this.#options;
    const list = (await api.get(path, { signal: this.#closed.signal })) as ObjectList<T>;
    this.#objects = new Map((list.items ?? []).map((item) => [item.metadata.name, item]));
    this.#version = list.metadata?.resourceVersion ?? "";
    onChange(this.#objects.values());
  }

  #watch(): Promise<Stream> {
    const { api, path, watchMs, timeoutMs } = this.#options;
    const query = {
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#version ?? "",
      timeoutSeconds: String(Math.ceil(watchMs / 1_000)),
    };
    const mark = path.includes("?") ? "&" : "?";
    const longestMs = Math.ceil(watchMs / 1_000) * 1_000 + timeoutMs;
    return api.stream(`${path}${mark}${new URLSearchParams(query)}`, longestMs, this.#closed.signal);
  }

  #take({ type, object }: WatchEvent<T>): void {
    if (type === "ERROR") throw new KubernetesError(object.message ?? "the watch failed", object.code ?? 500);
    this.#version = object.metadata.resourceVersion;
    if (type === "BOOKMARK") return;
    if (type === "DELETED") this.#objects.delete(object.metadata.name);
    else this.#objects.set(object.metadata.name, object);
    this.#options.onChange(this.#objects.values());
  }

  async #wait(ms: number): Promise<void> {
    await pause(ms, undefined, { ref: false, signal: this.#closed.signal }).catch(() => {});
  }
}
