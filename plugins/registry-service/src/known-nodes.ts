import { fingerprint, type Result, type Service, withNodes } from "ts-micro/registry";

interface Entry {
  readonly service: Service;
  readonly text: string;
}

/** What one watcher has been told, so that it is told changes only, each once. */
export class KnownNodes {
  readonly #known = new Map<string, Entry>();
  /** Nodes that were gone when the service came back, and when they are given up. */
  readonly #missing = new Map<string, NodeJS.Timeout>();
  readonly #graceMs: number;
  readonly #tell: (change: Result) => void;

  constructor(graceMs: number, tell: (change: Result) => void) {
    this.#graceMs = graceMs;
    this.#tell = tell;
  }

  /** A change, as the service told it. */
  apply({ action, service }: Result): void {
    if (action !== "delete") for (const node of service.nodes) this.#put(withNodes(service, [node]), true);
    else if (service.nodes.length > 0)
      for (const node of service.nodes) this.#remove(keyOf(service, node.id));
    else for (const key of this.#keysOf(service)) this.#remove(key);
  }

  /** All there is when the watch begins. */
  begin(services: readonly Service[]): void {
    for (const each of single(services)) this.#put(each, false);
  }

  /** All there is after a time in which nothing was told. Nodes that are missing are kept for `graceMs`. */
  compare(services: readonly Service[]): void {
    const present = new Set(single(services).map((each) => keyOf(each, each.nodes[0]?.id)));
    for (const each of single(services)) this.#put(each, true);
    for (const key of this.#known.keys()) {
      if (present.has(key) || this.#missing.has(key)) continue;
      this.#missing.set(key, setTimeout(() => this.#remove(key), this.#graceMs).unref());
    }
  }

  /** Nothing is told any more. */
  close(): void {
    for (const timer of this.#missing.values()) clearTimeout(timer);
    this.#missing.clear();
  }

  #put(service: Service, tell: boolean): void {
    const key = keyOf(service, service.nodes[0]?.id);
    const text = fingerprint(service);
    const before = this.#known.get(key);
    this.#keep(key);
    this.#known.set(key, { service, text });
    if (!tell || before?.text === text) return;
    this.#tell({ action: before === undefined ? "create" : "update", service });
  }

  #remove(key: string): void {
    const before = this.#known.get(key);
    this.#keep(key);
    this.#known.delete(key);
    if (before !== undefined) this.#tell({ action: "delete", service: before.service });
  }

  #keep(key: string): void {
    clearTimeout(this.#missing.get(key));
    this.#missing.delete(key);
  }

  #keysOf({ name, version }: Service): string[] {
    const all = [...this.#known].filter(
      ([, { service }]) => service.name === name && service.version === version,
    );
    return all.map(([key]) => key);
  }
}

function single(services: readonly Service[]): Service[] {
  return services.flatMap((service) => service.nodes.map((node) => withNodes(service, [node])));
}

function keyOf({ name, version }: Service, id: string | undefined): string {
  return JSON.stringify([name, version, id]);
}
