import { newLogger } from "ts-micro";
import {
  byVersion,
  checkService,
  newWatches,
  type ReadOptions,
  type Registry,
  type Service,
  type Watcher,
  type WatchOptions,
  withNodes,
} from "ts-micro/registry";
import { asMicroError } from "./etcd-error.ts";
import { Follower } from "./follower.ts";
import { Gateway } from "./gateway.ts";
import { rootPrefix, servicePrefix } from "./keys.ts";
import { Leases } from "./leases.ts";
import { type EtcdRegistryOptions, settingsOf } from "./options.ts";
import { list, recordOf } from "./store.ts";

/**
 * Opens nothing before it is used. Closing leaves the nodes in etcd, where they run out unless they are registered
 * again.
 * @throws MicroError 400 naming an address or file that is no good
 */
export function newRegistry(options: EtcdRegistryOptions = {}): Registry {
  const gateway = new Gateway(settingsOf(options), options.timeoutMs ?? 5_000);
  const { silenceMs = 10_000, graceMs = 45_000 } = options;
  const logger = options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL });
  const leases = new Leases(gateway);
  const watches = newWatches();

  async function records(prefix: string, read?: ReadOptions): Promise<Service[]> {
    // Serializable as go-micro: a member that has lost the others still says what it knows.
    const { kvs = [] } = await list(gateway, prefix, { ...read, serializable: true });
    return kvs.map(recordOf).filter((record) => record !== undefined);
  }

  function watch(watchOptions: WatchOptions = {}): Promise<Watcher> {
    const { service } = watchOptions;
    const prefix = service === undefined ? rootPrefix : servicePrefix(service);
    return watches.open(
      watchOptions,
      (onChange) => new Follower({ gateway, prefix, silenceMs, graceMs, logger, onChange }),
    );
  }

  async function close(): Promise<void> {
    watches.end();
    gateway.close();
  }

  return {
    name: "etcd",
    register: mended(async (service, { ttlMs } = {}) => {
      checkService(service);
      for (const node of service.nodes) await leases.put(withNodes(service, [node]), node.id, ttlMs);
    }),
    deregister: mended(async ({ name, nodes }) => {
      for (const { id } of nodes) await leases.delete(name, id);
    }),
    getService: mended(async (name, read) => {
      const found = await records(servicePrefix(name), read);
      // Below the prefix of `a/b` are also the nodes of `a-b`.
      return byVersion(found.filter((record) => record.name === name));
    }),
    listServices: mended(async (read) => {
      const names = new Map<string, Service[]>();
      for (const record of await records(rootPrefix, read)) {
        names.set(record.name, [...(names.get(record.name) ?? []), record]);
      }
      return [...names.keys()].sort().flatMap((name) => byVersion(names.get(name) ?? []));
    }),
    watch: mended(watch),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What is thrown is a MicroError that says what etcd said. */
function mended<Args extends unknown[], T>(
  run: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  return async (...args) => {
    try {
      return await run(...args);
    } catch (error) {
      throw asMicroError(error);
    }
  };
}
