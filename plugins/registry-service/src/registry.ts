import {
  fromMessage,
  Registry as RegistrySchema,
  Remote,
  type Result as ResultMessage,
  toMessage,
} from "@ts-micro/service-wire";
import { MicroError, newLogger } from "ts-micro";
import { type CallOptions, newTypedClient } from "ts-micro/client";
import {
  checkService,
  KnownNodes,
  newWatcherQueue,
  nodeEntries,
  type ReadOptions,
  type Registry,
  type Result,
  type Service,
  type Watcher,
  type WatchOptions,
} from "ts-micro/registry";
import type { ServiceRegistryOptions } from "./options.ts";

const service = "go.micro.registry";

/**
 * go-micro v2.9.1's service registry (`registry/service`): all of it are calls of a service that has the real one.
 *
 * Opens nothing before it is used. While the service is away its calls reject with 503, and watchers stay as they are:
 * what is known goes on being used. Afterwards they are told the difference.
 */
export function newRegistry(options: ServiceRegistryOptions = {}): Registry {
  const {
    addresses = [],
    secure,
    tls,
    timeoutMs = 5_000,
    checkIntervalMs = 10_000,
    graceMs = 45_000,
  } = options;
  const remote = new Remote({
    service,
    addresses: addresses.length === 0 ? ["127.0.0.1:8000"] : addresses,
    secure,
    tls,
    timeoutMs,
    checkIntervalMs,
    logger: options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL }),
  });
  // Asking twice does no harm: a register that came twice is one.
  const methods = newTypedClient(RegistrySchema, remote.client, { service, idempotent: true });
  const open = new Set<() => void>();

  const registry: Registry = {
    name: "service",

    async register(given, { ttlMs } = {}) {
      checkService(given);
      await remote.call((call) => methods.register(toMessage(given, ttlMs), call));
    },

    async deregister(given) {
      await remote.call((call) => methods.deregister(toMessage(given), call));
    },

    async getService(name, read) {
      try {
        const { services } = await remote.call((call) =>
          methods.getService({ service: name }, { ...call, ...limits(read) }),
        );
        return services.map(fromMessage);
      } catch (error) {
        if (MicroError.is(error) && error.code === 404) return [];
        throw error;
      }
    },

    async listServices(read) {
      const { services } = await remote.call((call) =>
        methods.listServices({}, { ...call, ...limits(read) }),
      );
      return services.map(fromMessage).sort(byNameAndVersion);
    },

    watch,

    async close() {
      for (const end of open) end();
      await remote.close();
    },
    [Symbol.asyncDispose]: () => registry.close(),
  };
  return registry;

  async function watch(given: WatchOptions = {}): Promise<Watcher> {
    const { service: name = "", signal } = given;
    if (signal?.aborted) return newWatcherQueue(given).watcher;
    let hasEnded = false;
    let end = (): void => {
      hasEnded = true;
    };
    const queue = newWatcherQueue({ ...given, onEnd: () => end() });
    const known = new KnownNodes(queue.push);
    const stream = await remote.follow<ResultMessage>({
      what: name === "" ? "the watch of all services" : `the watch of ${name}`,
      open: (call) => methods.watch({ service: name }, call),
      isConfirmation: ({ action }) => action === "",
      onItem: (item) => known.apply(resultOf(item)),
      async onOpen({ isFirst, signal }) {
        const entries = nodeEntries(await present(name, signal));
        if (isFirst) known.begin(entries);
        else known.replace(entries, graceMs);
      },
    });
    open.add(queue.end);
    end = () => {
      open.delete(queue.end);
      known.close();
      void stream.close();
    };
    if (hasEnded) end();
    return queue.watcher;
  }

  /** All nodes of a service, or of all of them. */
  async function present(name: string, signal: AbortSignal): Promise<Service[]> {
    const read = { signal };
    if (name !== "") return registry.getService(name, read);
    const names = new Set((await registry.listServices(read)).map((each) => each.name));
    return (await Promise.all([...names].map((each) => registry.getService(each, read)))).flat();
  }
}

function limits({ timeoutMs, signal }: ReadOptions = {}): CallOptions {
  return { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) };
}

function resultOf({ action, service: changed }: ResultMessage): Result {
  const record =
    changed === undefined
      ? { name: "", version: "", metadata: {}, endpoints: [], nodes: [] }
      : fromMessage(changed);
  return { action: action === "delete" || action === "update" ? action : "create", service: record };
}

function byNameAndVersion(a: Service, b: Service): number {
  return compare(a.name, b.name) || compare(a.version, b.version);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
