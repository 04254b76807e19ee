import type { MicroError } from "../errors.ts";
import type { Protocol } from "../transport/transport.ts";
import type { ServerSettings } from "./options.ts";
import type { ServerParts } from "./parts.ts";
import type { Router } from "./router.ts";
import type { Subscriptions } from "./subscriber.ts";

/**
 * What a wire protocol brings to become a server. Handlers, subscribers, the registry, draining and the order
 * of all this is done for it by `newServerOver` in `lifecycle.ts`.
 */
export interface Wire {
  /** The word users write after `--server=`. Becomes the node's metadata `server`. */
  readonly name: string;
  /** What clients look for in the node's metadata `protocol`, to know whether they can speak with it. */
  readonly protocol: string;
  /** Resolves when calls are answered. Called again after the result was closed. */
  listen(host: WireHost): Promise<Listening>;
  /**
   * Serves on another protocol's port, as one of the server option `wires`. Without it the protocol needs a port
   * of its own. Called again after the result was closed.
   */
  share?(host: WireHost): Sharing;
}

/** What the protocol is given: what to serve and how. */
export interface WireHost {
  readonly settings: ServerSettings;
  readonly router: Router;
  readonly subscriptions: Subscriptions;
  readonly parts: ServerParts;
  readonly readiness: Readiness;
}

/** Whether the server wants calls at the moment, for protocols that tell callers so. */
export interface Readiness {
  /** As the server's own `ready`. */
  readonly ready: boolean;
  /** Calls `listener` each time that `ready` may have changed, or a handler was added. Returns what ends that. */
  observe(listener: () => void): () => void;
}

export interface Listening extends Draining {
  /** The real `host:port`. */
  readonly address: string;
  /** Becomes the node's metadata `transport`. */
  readonly transport: string;
}

export interface Sharing extends Draining {
  /** Offered the port's connections. It may still get some while `close` is under way. */
  readonly protocol: Protocol;
}

interface Draining {
  /** The server leaves: callers are told so with the answers, and still served. */
  leave(): void;
  /**
   * Accepts no more, closes what has nothing in flight, and resolves when nothing is in flight any more. Called
   * again, it does so for what came meanwhile.
   */
  close(): Promise<void>;
  /**
   * Closes everything at once and aborts the handlers' signals. Comes last, after `close` was called. A promise
   * resolves when the address can be listened on again, which a `close` without time may not have waited for.
   */
  destroy(reason: MicroError): Promise<void> | void;
}

/** As node metadata `protocols` has them. */
export function protocolsOf(wires: readonly Wire[]): string {
  return wires.map(({ protocol }) => protocol).join(",");
}

/** The protocol that owns the port, and those that share it, as one. */
export function together(own: Listening, guests: readonly Sharing[]): Listening {
  return {
    address: own.address,
    transport: own.transport,
    leave() {
      for (const each of [own, ...guests]) each.leave();
    },
    async close() {
      await Promise.all([own, ...guests].map((each) => each.close()));
      // Connections may have come to them until the port was closed.
      await Promise.all(guests.map((each) => each.close()));
    },
    async destroy(reason) {
      await Promise.all([own, ...guests].map((each) => each.destroy(reason)));
    },
  };
}
