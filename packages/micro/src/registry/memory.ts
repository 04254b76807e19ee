/**
 * A registry inside this process. Registries with the same first address share one hub, so that several
 * services of a process find each other. Unlike go-micro's, a node that expires is announced as deleted, a
 * first registration is a `create`, and no watcher misses a change (`registry/memory/memory.go`).
 */
import { byVersion, checkService, compare, fingerprint, withNodes } from "./record.ts";
import type {
  Node,
  RegisterOptions,
  Registry,
  RegistryOptions,
  Result,
  Service,
  Watcher,
  WatchOptions,
} from "./registry.ts";
import { newWatcherQueue, type WatcherQueue } from "./watcher.ts";

/** `addresses[0]` names the hub; @default "default" */
export interface MemoryRegistryOptions extends RegistryOptions {}

export function newMemoryRegistry(options: MemoryRegistryOptions = {}): Registry {
  const hub = hubNamed(options.addresses?.[0] ?? "default");
  const watchers = new Set<WatcherQueue>();

  async function watch(watchOptions: WatchOptions = {}): Promise<Watcher> {
    const queue = newWatcherQueue({
      ...watchOptions,
      onEnd(ended) {
        watchers.delete(ended);
        hub.watchers.delete(ended);
      },
    });
    if (watchOptions.signal?.aborted) return queue.watcher;
    watchers.add(queue);
    hub.watchers.add(queue);
    return queue.watcher;
  }

  async function close(): Promise<void> {
    for (const queue of watchers) queue.end();
  }

  return {
    name: "memory",
    async register(service, registerOptions) {
      checkService(service);
      hub.register(structuredClone(service), registerOptions);
    },
    async deregister(service) {
      hub.remove(service.name, new Set(service.nodes.map((node) => node.id)));
    },
    async getService(name) {
      return structuredClone(hub.services(name));
    },
    async listServices() {
      return structuredClone([...hub.nodes.keys()].sort(compare).flatMap((name) => hub.services(name)));
    },
    watch,
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Entry {
  /** The service as it was registered, with this node alone. */
  record: Service;
  expiry: NodeJS.Timeout | undefined;
}

const hubs = new Map<string, Hub>();

function hubNamed(name: string): Hub {
  const hub = hubs.get(name) ?? new Hub();
  hubs.set(name, hub);
  return hub;
}

class Hub {
  /** Service name → node id → entry, the one registered last at the end. */
  readonly nodes = new Map<string, Map<string, Entry>>();
  readonly watchers = new Set<WatcherQueue>();

  register(service: Service, options: RegisterOptions = {}): void {
    const entries = this.nodes.get(service.name) ?? new Map<string, Entry>();
    this.nodes.set(service.name, entries);
    const created: Node[] = [];
    const updated: Node[] = [];
    for (const node of service.nodes) {
      const record = withNodes(service, [node]);
      const known = entries.get(node.id);
      if (known === undefined) created.push(node);
      else if (fingerprint(known.record) !== fingerprint(record)) updated.push(node);
      clearTimeout(known?.expiry);
      entries.delete(node.id);
      entries.set(node.id, { record, expiry: this.#expiry(service.name, node.id, options.ttlMs) });
    }
    if (created.length > 0) this.#tell({ action: "create", service: withNodes(service, created) });
    if (updated.length > 0) this.#tell({ action: "update", service: withNodes(service, updated) });
  }

  remove(name: string, ids: ReadonlySet<string>): void {
    const entries = this.nodes.get(name);
    if (entries === undefined) return;
    const removed: Service[] = [];
    for (const id of ids) {
      const entry = entries.get(id);
      if (entry === undefined) continue;
      clearTimeout(entry.expiry);
      entries.delete(id);
      removed.push(entry.record);
    }
    if (entries.size === 0) this.nodes.delete(name);
    for (const service of byVersion(removed)) this.#tell({ action: "delete", service });
  }

  services(name: string): Service[] {
    return byVersion([...(this.nodes.get(name)?.values() ?? [])].map((entry) => entry.record));
  }

  #expiry(name: string, id: string, ttlMs: number | undefined): NodeJS.Timeout | undefined {
    if (ttlMs === undefined || ttlMs <= 0) return undefined;
    // Node fires timers past 2^31 ms at once.
    const timer = setTimeout(() => this.remove(name, new Set([id])), Math.min(ttlMs, 0x7fff_ffff));
    return timer.unref();
  }

  #tell(result: Result): void {
    for (const queue of this.watchers) queue.push(structuredClone(result));
  }
}
