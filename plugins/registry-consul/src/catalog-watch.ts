import { Follower } from "./follower.ts";
import { catalogPath } from "./paths.ts";
import { ServiceWatch, type ServiceWatchOptions } from "./service-watch.ts";

/** Tells what changes about all services: Consul's list of names is followed, and each service on it. */
export class CatalogWatch {
  readonly #options: ServiceWatchOptions;
  readonly #follower: Follower;
  readonly #services = new Map<string, ServiceWatch>();
  #names: readonly string[] = [];
  #begin: Promise<unknown>[] | undefined = [];

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    const onAnswer = (body: unknown): void => this.#take(Object.keys(body as object));
    this.#follower = new Follower({ ...options, path: catalogPath, onAnswer });
  }

  /** Resolves once changes are being told. @throws as `Agents.get` */
  async start(): Promise<void> {
    await this.#follower.start();
    const begun = this.#begin;
    this.#begin = undefined;
    await Promise.all(begun ?? []);
  }

  /** Idempotent. */
  close(): void {
    this.#follower.close();
    for (const service of this.#services.values()) service.close();
  }

  get isClosed(): boolean {
    return this.#follower.isClosed;
  }

  #take(names: readonly string[]): void {
    this.#names = names;
    for (const name of names) {
      if (this.#services.has(name)) continue;
      const service = new ServiceWatch(name, { ...this.#options, onEmpty: () => this.#drop(name) });
      this.#services.set(name, service);
      if (this.#begin === undefined) service.startTelling();
      else this.#begin.push(service.start());
    }
    for (const [name, service] of this.#services) if (service.isEmpty) this.#drop(name);
  }

  /** A service that left the list is followed until its last node was told as deleted. */
  #drop(name: string): void {
    if (this.#names.includes(name)) return;
    this.#services.get(name)?.close();
    this.#services.delete(name);
  }
}
