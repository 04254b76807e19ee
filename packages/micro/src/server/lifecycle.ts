import { setTimeout as pause } from "node:timers/promises";
import { announcedCodecs } from "../codec/codecs.ts";
import { serviceUnavailable } from "../errors.ts";
import { serverSettings } from "./options.ts";
import { serverParts } from "./parts.ts";
import { newRegistration, type Registration } from "./registration.ts";
import { newRouter } from "./router.ts";
import type { Handler, Server, ServerOptions } from "./server.ts";
import { newSubscriptions } from "./subscriber.ts";
import { textOf } from "./thrown.ts";
import { type Listening, protocolsOf, type Readiness, together, type Wire, type WireHost } from "./wire.ts";

/** How long a port may take to be given up, in milliseconds. Longer than a listener waits for what arrives. */
const releaseMs = 15_000;

/**
 * Makes a server of a wire protocol.
 * @param quicker shares the port wherever the transport has connections of bytes
 * @throws MicroError 400 for an option out of range
 */
export function newServerOver(wire: Wire, options: ServerOptions = {}, quicker?: Wire): Server {
  const settings = serverSettings(options);
  const { logger, drain } = settings;
  const parts = serverParts(settings);
  const router = newRouter(settings);
  const subscriptions = newSubscriptions({ settings, parts });

  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  let listening: Listening | undefined;
  let registration: Registration | undefined;
  let started = false;

  const observers = new Set<() => void>();
  const readiness: Readiness = {
    get ready() {
      return started && stopping === undefined && registration?.registered === true;
    },
    observe(listener) {
      observers.add(listener);
      return () => observers.delete(listener);
    },
  };
  const changed = (): void => {
    for (const observer of [...observers]) observer();
  };

  return {
    name: wire.name,
    get address() {
      return listening?.address ?? settings.address;
    },
    get ready() {
      return readiness.ready;
    },

    handle(handler) {
      router.add(handler);
      if (handler.ready === undefined) announce(handler);
      else
        handler.ready.then(
          () => announce(handler),
          (thrown) => complain(handler, thrown),
        );
    },

    subscribe(subscriber) {
      subscriptions.add(subscriber);
      if (subscriber.options.internal !== true) registration?.refresh();
    },

    async start() {
      await stopping;
      starting ??= open();
      return starting;
    },

    stop() {
      if (starting === undefined) return Promise.resolve();
      stopping ??= close(starting).finally(() => {
        starting = undefined;
        stopping = undefined;
      });
      changed();
      return stopping;
    },

    [Symbol.asyncDispose]() {
      return this.stop();
    },
  };

  async function open(): Promise<void> {
    try {
      await router.ready();
      throwIfStopped();
      listening = await listen();
      throwIfStopped();
      await subscriptions.open();
      throwIfStopped();
      registration = newRegistration({
        settings,
        parts,
        address: listening.address,
        metadata: {
          server: wire.name,
          protocol: wire.protocol,
          ...(guests().length > 0 && {
            protocols: protocolsOf([wire, ...guests()]),
            codecs: announcedCodecs(settings.codecs).join(","),
          }),
          transport: listening.transport,
        },
        endpoints: () => [...router.endpoints(), ...subscriptions.endpoints()],
        changed,
      });
      await registration.start();
      throwIfStopped();
      started = true;
      changed();
    } catch (thrown) {
      await shutDown(0);
      // Whoever stops it meanwhile has not yet been told that there is nothing left to stop.
      if (stopping === undefined) starting = undefined;
      throw thrown;
    }
  }

  async function listen(): Promise<Listening> {
    const host: WireHost = { settings, router, subscriptions, parts, readiness };
    const sharing = guests().flatMap(({ share }) => share?.(host) ?? []);
    if (sharing.length === 0) return wire.listen(host);
    const protocols = [...settings.protocols, ...sharing.map(({ protocol }) => protocol)];
    const own = await wire.listen({ ...host, settings: { ...settings, protocols } });
    if (settings.wires.length > 0) {
      logger.info(`server ${wire.name} also speaks ${protocolsOf(settings.wires)} on ${own.address}`);
    }
    return together(own, sharing);
  }

  /** The protocols that share the port. The quicker one's clients open their connections by the transport. */
  function guests(): readonly Wire[] {
    return quicker !== undefined && parts.transport.connect !== undefined
      ? [quicker, ...settings.wires]
      : settings.wires;
  }

  function announce(handler: Handler): void {
    if (!handler.internal) registration?.refresh();
    changed();
  }

  /** Before the start, that is what fails. */
  function complain(handler: Handler, thrown: unknown): void {
    if (started) logger.error(`the handler ${handler.name} can't be served: ${textOf(thrown)}`);
  }

  function throwIfStopped(): void {
    if (stopping === undefined) return;
    throw serviceUnavailable("go.micro.server", `server ${settings.name} was stopped while it started`, {
      reason: "closed",
    });
  }

  async function close(start: Promise<void>): Promise<void> {
    // A start that is still under way notices by itself and cleans up; it should not wait for the registry.
    if (!started) void registration?.stop();
    await start.catch(() => {});
    if (started) await shutDown(drain.propagationMs);
  }

  /** The order is docs/decisions/0010-goodbye.md's and the design's "Draining". Never rejects. */
  async function shutDown(propagationMs: number): Promise<void> {
    started = false;
    listening?.leave();
    const subscribers = subscriptions.close();
    if (registration !== undefined) {
      await within(registration.stop(), drain.budgetMs);
      await pause(propagationMs);
    }
    const finished = Promise.all([listening?.close(), subscribers]);
    if (!(await within(finished, drain.budgetMs))) {
      logger.warn(`${settings.name} still had work after ${drain.budgetMs} ms of draining; it is cut off`);
    }
    const reason = serviceUnavailable("go.micro.server", `server ${settings.name} was stopped`, {
      reason: "draining",
    });
    subscriptions.abort(reason);
    await within(Promise.resolve(listening?.destroy(reason)), releaseMs);
    await within(parts.close(), drain.budgetMs);
    listening = undefined;
    registration = undefined;
  }

  /** True when `work` ended in time, well or not. Its failure is logged. */
  async function within(work: Promise<unknown>, limitMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const ended = work.then(
      () => true,
      (thrown) => {
        logger.error(`stopping ${settings.name}: ${thrown}`);
        return true;
      },
    );
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), limitMs);
    });
    try {
      return await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
