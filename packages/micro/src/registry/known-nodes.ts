import { fingerprint, withNodes } from "./record.ts";
import type { Result, Service } from "./registry.ts";

/**
 * The record of one node, with its service's and this node alone, by a key of the registry's choice. Records whose texts are
 * equal say the same; the default text is made of the record.
 */
export type NodeEntry = readonly [key: string, record: Service, text?: string];

interface Known {
  readonly record: Service;
  readonly text: string;
}

interface Missing {
  readonly untilMs: number;
  readonly timer: NodeJS.Timeout;
}

/**
 * For registries: what one watch knows, so that it tells changes only, each once, whether it hears of them or asks what there is.
 *
 * After an outage of a registry, nodes may be missing that nobody could register meanwhile: they are kept for a time in which
 * their services register again.
 */
export class KnownNodes {
  readonly #tell: (change: Result) => void;
  readonly #known = new Map<string, Known>();
  /** Nodes that are known and weren't among the last ones, and when they are given up. */
  readonly #missing = new Map<string, Missing>();

  /** @param tell gets a change of one node, with a record of its own */
  constructor(tell: (change: Result) => void) {
    this.#tell = tell;
  }

  /** How many are known, missing ones too. */
  get size(): number {
    return this.#known.size;
  }

  keys(): string[] {
    return [...this.#known.keys()];
  }

  /** Whether it is known, and not missing. */
  isPresent(key: string): boolean {
    return this.#known.has(key) && !this.#missing.has(key);
  }

  /** All there is when a watch begins, which is no change and told to nobody. Calling it again forgets what was there. */
  begin(entries: Iterable<NodeEntry>): void {
    this.close();
    this.#known.clear();
    for (const entry of entries) this.#set(entry);
  }

  /** The node is there: new, changed, or as it was, which isn't told. */
  put(...entry: NodeEntry): void {
    const before = this.#known.get(entry[0]);
    if (this.#set(entry) === before?.text) return;
    this.#say(before === undefined ? "create" : "update", entry[1]);
  }

  /** The node has gone. One that isn't known is no change. */
  remove(key: string): void {
    const before = this.#known.get(key);
    this.#find(key);
    this.#known.delete(key);
    if (before !== undefined) this.#say("delete", before.record);
  }

  /** A change as others tell it, with keys of `nodeEntries`. A `delete` without nodes means all of its version. */
  apply({ action, service }: Result): void {
    if (action !== "delete") for (const entry of nodeEntries([service])) this.put(...entry);
    else if (service.nodes.length > 0) for (const [key] of nodeEntries([service])) this.remove(key);
    else {
      for (const [key, { record }] of this.#known)
        if (record.name === service.name && record.version === service.version) this.remove(key);
    }
  }

  /**
   * All there is. A node that isn't among it has gone.
   * @param keepMissingMs what is missing is kept for so long, in milliseconds, since it may only not be there yet. One that is
   *   kept already stays for the longer time
   */
  replace(entries: Iterable<NodeEntry>, keepMissingMs = 0): void {
    const present = new Set<string>();
    for (const entry of entries) {
      present.add(entry[0]);
      this.put(...entry);
    }
    for (const key of this.keys()) {
      if (present.has(key)) continue;
      if (keepMissingMs > 0) this.#miss(key, keepMissingMs);
      else if (!this.#missing.has(key)) this.remove(key);
    }
  }

  /** Missing nodes are no longer given up. Idempotent. */
  close(): void {
    for (const { timer } of this.#missing.values()) clearTimeout(timer);
    this.#missing.clear();
  }

  /** @returns the text of the record */
  #set([key, record, text = fingerprint(record)]: NodeEntry): string {
    this.#find(key);
    this.#known.set(key, { record, text });
    return text;
  }

  #miss(key: string, forMs: number): void {
    const untilMs = performance.now() + forMs;
    const before = this.#missing.get(key);
    if (before !== undefined && before.untilMs >= untilMs) return;
    clearTimeout(before?.timer);
    this.#missing.set(key, { untilMs, timer: setTimeout(() => this.remove(key), forMs).unref() });
  }

  #find(key: string): void {
    clearTimeout(this.#missing.get(key)?.timer);
    this.#missing.delete(key);
  }

  #say(action: Result["action"], record: Service): void {
    this.#tell({ action, service: structuredClone(record) });
  }
}

/** An entry for each node of these services, by name, version and id. */
export function nodeEntries(services: Iterable<Service>): NodeEntry[] {
  return [...services].flatMap((service) =>
    service.nodes.map((node): NodeEntry => {
      const key = JSON.stringify([service.name, service.version, node.id]);
      return [key, withNodes(service, [node])];
    }),
  );
}
