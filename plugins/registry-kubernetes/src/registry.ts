import { newLogger } from "ts-micro";
import {
  checkService,
  newWatches,
  type ReadOptions,
  type Registry,
  type Service,
  type Watcher,
  type WatchOptions,
} from "ts-micro/registry";
import { Api } from "./api.ts";
import { asMicroError } from "./kubernetes-error.ts";
import { type KubernetesRegistryOptions, settingsOf } from "./options.ts";
import { type Pod, podRecords, podsPath } from "./pods.ts";
import { joined } from "./records.ts";
import { Registrations } from "./registrations.ts";
import { ServiceWatch } from "./service-watch.ts";
import { type EndpointSlice, sliceRecords, slicesPath } from "./slices.ts";

/**
 * Opens nothing before it is used. Closing leaves the nodes on their pod, with which they end.
 * @throws MicroError 400 naming an address, file or variable that is no good
 */
export function newRegistry(options: KubernetesRegistryOptions = {}): Registry {
  const { timeoutMs = 5_000, watchMs = 30_000 } = options;
  const settings = settingsOf(options);
  const { namespace } = settings;
  const api = new Api(settings, timeoutMs);
  const logger = options.logger ?? newLogger({ level: process.env.MICRO_LOG_LEVEL });
  const registrations = new Registrations(api, settings);
  const watches = newWatches();

  async function records(name?: string, limit?: ReadOptions): Promise<Service[]> {
    const [pods, slices] = await Promise.all([
      api.get(podsPath(namespace, name), limit),
      api.get(slicesPath(namespace, name), limit),
    ]);
    return joined(
      podRecords((pods as { items?: Pod[] }).items ?? [], name),
      sliceRecords((slices as { items?: EndpointSlice[] }).items ?? []),
    );
  }

  function watch(watchOptions: WatchOptions = {}): Promise<Watcher> {
    const { service: name } = watchOptions;
    return watches.open(watchOptions, (onChange) => {
      const how = { api, namespace, watchMs, timeoutMs, logger, onChange };
      return new ServiceWatch({ ...how, ...(name !== undefined && { name }) });
    });
  }

  async function close(): Promise<void> {
    watches.end();
    api.close();
  }

  return {
    name: "kubernetes",
    register: mended(async (service) => {
      checkService(service);
      await registrations.put(service);
    }),
    deregister: mended((service) => registrations.delete(service)),
    getService: mended((name, limit) => records(name, limit)),
    listServices: mended((limit) => records(undefined, limit)),
    watch: mended(watch),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** What is thrown is a MicroError that says what the API server said. */
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
