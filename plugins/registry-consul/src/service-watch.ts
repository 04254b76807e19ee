import { type Result, type Service, serviceToJson } from "ts-micro/registry";
import { Follower, type FollowerOptions } from "./follower.ts";
import { healthPath } from "./paths.ts";
import { type HealthEntry, recordsOf } from "./record.ts";

export interface ServiceWatchOptions extends Omit<FollowerOptions, "path" | "onAnswer"> {
  readonly graceMs: number;
  onChange(change: Result): void;
  /** No node is known any more. */
  onEmpty?(): void;
}

interface Known {
  readonly text: string;
  readonly record: Service;
}

/**
 * Tells what changes about the nodes of one service.
 *
 * While Consul was down nobody could register: TTLs ran out, or the data went with the agent. So nodes that
 * are missing within `graceMs` after such a time are kept until it is over.
 */
export class ServiceWatch {
  readonly #name: string;
  readonly #options: ServiceWatchOptions;
  readonly #follower: Follower;
  readonly #known = new Map<string, Known>();
  readonly #missing = new Set<string>();
  #grace: NodeJS.Timeout | undefined;
  #tells = false;

  constructor(name: string, options: ServiceWatchOptions) {
    this.#name = name;
    this.#options = options;
    const onAnswer = (body: unknown, isGap: boolean): void => this.#take(body as HealthEntry[], isGap);
    this.#follower = new Follower({ ...options, path: healthPath(name), onAnswer });
  }

  /** Resolves once changes are being told. What is there already is not told. @throws as `Agents.get` */
  async start(): Promise<void> {
    await this.#follower.start();
    this.#tells = true;
  }

  /** As `start`, but what is there already is told as created. */
  startTelling(): void {
    this.#tells = true;
    void this.#follower.follow();
  }

  /** Twice is once. */
  close(): void {
    this.#follower.close();
    clearTimeout(this.#grace);
  }

  get isClosed(): boolean {
    return this.#follower.isClosed;
  }

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  #take(entries: readonly HealthEntry[], isGap: boolean): void {
    if (isGap) this.#beginGrace();
    const records = recordsOf(entries, this.#name);
    for (const record of records) this.#put(record);
    const present = new Set(records.map(idOf));
    for (const id of this.#known.keys()) {
      if (present.has(id)) this.#missing.delete(id);
      else if (this.#grace !== undefined) this.#missing.add(id);
      else this.#remove(id);
    }
    if (this.isEmpty) this.#options.onEmpty?.();
  }

  #beginGrace(): void {
    clearTimeout(this.#grace);
    const end = (): void => {
      this.#grace = undefined;
      for (const id of this.#missing) this.#remove(id);
      this.#missing.clear();
      if (this.isEmpty) this.#options.onEmpty?.();
    };
    this.#grace = setTimeout(end, this.#options.graceMs).unref();
  }

  #put(record: Service): void {
    const id = idOf(record);
    const text = serviceToJson(record);
    const before = this.#known.get(id);
    this.#known.set(id, { text, record });
    if (before?.text !== text)
      this.#tell({ action: before === undefined ? "create" : "update", service: record });
  }

  #remove(id: string): void {
    const before = this.#known.get(id);
    this.#known.delete(id);
    if (before !== undefined) this.#tell({ action: "delete", service: before.record });
  }

  #tell(change: Result): void {
    if (this.#tells) this.#options.onChange(structuredClone(change));
  }
}

function idOf({ nodes }: Service): string {
  return nodes[0]?.id ?? "";
}
