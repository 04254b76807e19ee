import { KnownNodes, type NodeEntry, type Result } from "ts-micro/registry";
import { Follower, type FollowerOptions } from "./follower.ts";
import { healthPath } from "./paths.ts";
import { type HealthEntry, recordsOf } from "./record.ts";

export interface ServiceWatchOptions extends Omit<FollowerOptions, "path" | "onAnswer"> {
  readonly graceMs: number;
  onChange(change: Result): void;
  /** No node is known any more. */
  onEmpty?(): void;
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
  readonly #known: KnownNodes;
  /** Until then what is missing is kept. */
  #graceUntilMs = 0;
  #tells = false;

  constructor(name: string, options: ServiceWatchOptions) {
    this.#name = name;
    this.#options = options;
    this.#known = new KnownNodes((change) => {
      options.onChange(change);
      if (this.isEmpty) options.onEmpty?.();
    });
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

  /** Idempotent. */
  close(): void {
    this.#follower.close();
    this.#known.close();
  }

  get isClosed(): boolean {
    return this.#follower.isClosed;
  }

  get isEmpty(): boolean {
    return this.#known.size === 0;
  }

  #take(entries: readonly HealthEntry[], isGap: boolean): void {
    const { graceMs, onEmpty } = this.#options;
    if (isGap) this.#graceUntilMs = performance.now() + graceMs;
    const nodes = recordsOf(entries, this.#name).map(
      (record): NodeEntry => [record.nodes[0]?.id ?? "", record],
    );
    if (this.#tells) this.#known.replace(nodes, Math.max(0, this.#graceUntilMs - performance.now()));
    else this.#known.begin(nodes);
    if (this.isEmpty) onEmpty?.();
  }
}
