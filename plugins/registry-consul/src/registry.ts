import { MicroError, newLogger } from "ts-micro";
import {
  byVersion,
  checkService,
  newWatches,
  type Registry,
  type Service,
  type Watcher,
  type WatchOptions,
} from "ts-micro/registry";
import { Agents } from "./agents.ts";
import { CatalogWatch } from "./catalog-watch.ts";
import { asMicroError } from "./consul-error.ts";
import { type ConsulRegistryOptions, settingsOf } from "./options.ts";
import { catalogPath, healthPath } from "./paths.ts";
import { type HealthEntry, recordsOf } from "./record.ts";
import { Registrations } from "./registrations.ts";
import { ServiceWatch } from "./service-watch.ts";
import { versionsIn } from "./tags.ts";

/**
 * Opens nothing before it is used. Closing leaves the nodes in Consul, where they run out unless they are registered
 * again.
 * @throws MicroError 400 naming an address or file that is no good
 */
export function newRegistry(options: ConsulRegistryOptions = {}): Registry {
  const { timeoutMs = 5_000, holdMs = 10_000, graceMs = 45_000 } = options;
  const agents = new Agents(settingsOf(options), timeoutMs);
  const logger = options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL });
  const registrations = new Registrations(agents);
  const watches = newWatches();

  function watch(watchOptions: WatchOptions = {}): Promise<Watcher> {
    const { service } = watchOptions;
    return watches.open(watchOptions, (onChange) => {
      const how = { agents, holdMs, graceMs, logger, onChange };
      return service === undefined ? new CatalogWatch(how) : new ServiceWatch(service, how);
    });
  }

  async function close(): Promise<void> {
    watches.end();
    agents.close();
  }

  return {
    name: "consul",
    register: mended(async (service, { ttlMs = 0 } = {}) => {
      checkService(service);
      for (const node of service.nodes) await registrations.put(service, node, ttlMs);
    }),
    deregister: mended(async ({ nodes }) => {
      for (const node of nodes) await registrations.delete(node);
    }),
    getService: mended(async (name, limit) => {
      const { body, isFiltered } = await agents.get(healthPath(name), limit);
      const records = recordsOf(body as HealthEntry[], name);
      if (isFiltered && records.length === 0) throw unreadable(name);
      return byVersion(records);
    }),
    listServices: mended(async (limit) => {
      const { body } = await agents.get(catalogPath, limit);
      const tagsByName = Object.entries(body as Record<string, string[]>);
      return tagsByName.sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, tags]) => listed(name, tags));
    }),
    watch: mended(watch),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The tags of all its nodes say which versions there are; a service of another kind has none. */
function listed(name: string, tags: readonly string[]): Service[] {
  const versions = [...new Set(versionsIn(tags))].sort();
  return (versions.length === 0 ? [""] : versions).map((version) => ({
    ...{ name, version, metadata: {}, endpoints: [], nodes: [] },
  }));
}

/** Consul leaves out what may not be read, which would look like a service that isn't there. */
function unreadable(name: string): MicroError {
  const detail = `consul: the token may not read the nodes of ${name}; its policy needs service:read and node:read`;
  return new MicroError({ id: "go.micro.registry", code: 403, detail });
}

/** What is thrown is a MicroError that says what Consul said. */
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
