import { advertisedHost, joinAddress, parseAddress } from "../address.ts";
import { MicroError } from "../errors.ts";
import type { Parts } from "../parts.ts";
import type { Endpoint, Node, Registry, Service } from "../registry/registry.ts";
import type { ServerSettings } from "./options.ts";
import { textOf } from "./thrown.ts";

/**
 * Keeps one server's node in the registry: registers, renews, repairs, removes.
 *
 * What it does to the registry happens one after the other, so a slow registration can't bring back a node
 * that was deregistered meanwhile.
 */
export interface Registration {
  /** True while the registry has taken the node and `registerCheck` passes. */
  readonly registered: boolean;
  /**
   * Registers, trying three times, and goes on renewing. Resolves after the third failure too: the failure
   * is logged and repeated with growing waits until it ends well.
   * @throws MicroError 400 of the registry, which can't carry the record: another attempt would end no better
   */
  start(): Promise<void>;
  /** The endpoints changed: registers again, soon. */
  refresh(): void;
  /** Ends renewing and removes the node. A failure is logged. Idempotent. */
  stop(): Promise<void>;
}

export interface RegistrationOptions {
  settings: ServerSettings;
  parts: Pick<Parts, "registry" | "broker">;
  /** Where the server listens, `host:port`. */
  address: string;
  /** Node metadata beside the user's: `server`, `protocol`, `transport`. */
  metadata: Readonly<Record<string, string>>;
  /** Asked at each registration. */
  endpoints(): Endpoint[];
  /** Called each time that `registered` may have changed. */
  changed?(): void;
}

/** Tries before `start` resolves without success, as in go-micro (`server/rpc_server.go`). */
const firstAttempts = 3;

export function newRegistration(options: RegistrationOptions): Registration {
  const { settings, parts } = options;
  const { logger, registerIntervalMs, registerTtlMs } = settings;

  let registered = false;
  let stopped = false;
  /** `start` is under way, and can still say that the record is refused. */
  let starting = false;
  let refusal: MicroError | undefined;
  let failures = 0;
  let refreshing = false;
  /** Where the node is now, to be removed from there. */
  let known: { registry: Registry; service: Service } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let wake = (): void => {};
  /** The end of the line of what is to be done to the registry. */
  let line: Promise<void> = Promise.resolve();

  return {
    get registered() {
      return registered;
    },

    async start() {
      starting = true;
      for (let attempt = 1; attempt <= firstAttempts; attempt++) {
        if (attempt > 1) await pause(backoffMs(attempt - 1));
        await inLine(renew);
        if (refusal !== undefined) throw refusal;
        if (registered || stopped) break;
      }
      starting = false;
      plan();
    },

    refresh() {
      // One that has not begun will see this change too.
      if (refreshing) return;
      refreshing = true;
      void inLine(() => {
        refreshing = false;
        return renew();
      }).then(plan);
    },

    async stop() {
      stopped = true;
      clearTimeout(timer);
      wake();
      await inLine(remove);
    },
  };

  /** Runs `step` after those before it. Steps never throw. */
  function inLine(step: () => Promise<void>): Promise<void> {
    line = line.then(step).then(() => options.changed?.());
    return line;
  }

  async function renew(): Promise<void> {
    if (stopped) return;
    try {
      await settings.registerCheck();
    } catch (thrown) {
      failures++;
      logger.warn(`registerCheck keeps ${settings.name} out of the registry: ${textOf(thrown)}`);
      await remove();
      return;
    }
    try {
      const { registry } = parts;
      if (known !== undefined && known.registry !== registry) await remove();
      const service = serviceRecord(options);
      // Before it is there: a registration that failed half-way is removed as well.
      known = { registry, service };
      await registry.register(service, registerTtlMs > 0 ? { ttlMs: registerTtlMs } : {});
      registered = true;
      failures = 0;
      logger.debug("registered", { node: service.nodes[0]?.id, registry: registry.name });
    } catch (thrown) {
      failures++;
      registered = false;
      if (starting && MicroError.is(thrown) && thrown.code === 400) {
        refusal = thrown;
        return;
      }
      logger.error(`registering ${settings.name} failed, attempt ${failures}: ${textOf(thrown)}`);
    }
  }

  async function remove(): Promise<void> {
    registered = false;
    if (known === undefined) return;
    const { registry, service } = known;
    try {
      await registry.deregister(service);
      known = undefined;
    } catch (thrown) {
      logger.error(`deregistering ${settings.name} failed: ${textOf(thrown)}`);
    }
  }

  /** Sets the time of the next renewal: the interval after success, a growing wait after failures. */
  function plan(): void {
    clearTimeout(timer);
    if (stopped) return;
    const longestMs = registerIntervalMs > 0 ? registerIntervalMs : 30_000;
    const waitMs = registered ? registerIntervalMs : Math.min(backoffMs(failures), longestMs);
    if (waitMs === 0) return;
    timer = setTimeout(() => void inLine(renew).then(plan), waitMs);
    timer.unref();
  }

  /** Waits, or until the registration is stopped. */
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      timer = setTimeout(resolve, ms);
      wake = resolve;
    });
  }
}

function serviceRecord({ settings, parts, address, metadata, endpoints }: RegistrationOptions): Service {
  const node: Node = {
    id: `${settings.name}-${settings.id}`,
    address: advertisedAddress(settings.advertise, address),
    metadata: {
      ...settings.metadata,
      broker: parts.broker.name,
      registry: parts.registry.name,
      ...metadata,
    },
  };
  return {
    name: settings.name,
    version: settings.version,
    metadata: {},
    endpoints: endpoints(),
    nodes: [node],
  };
}

/** What others dial: `advertise` if set, and a host that they can reach instead of a wildcard. */
export function advertisedAddress(advertise: string, listening: string): string {
  const { host, port } = parseAddress(advertise === "" ? listening : advertise);
  return joinAddress(advertisedHost(host), port ?? parseAddress(listening).port);
}

/** go-micro's waits, 100 ms, 600 ms, 1.9 s, 4.3 s, … (`util/backoff/backoff.go`), each varied by a fifth. */
function backoffMs(failures: number): number {
  return Math.floor(failures ** Math.E) * 100 * (0.8 + 0.4 * Math.random());
}
