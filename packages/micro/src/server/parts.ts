import type { Broker } from "../broker/broker.ts";
import { newHttpBroker } from "../broker/http.ts";
import type { PartOptions, Parts } from "../parts.ts";
import { newMdnsRegistry } from "../registry/mdns.ts";
import type { Registry } from "../registry/registry.ts";
import { newHttpTransport } from "../transport/http.ts";
import type { Transport } from "../transport/transport.ts";

/** The parts that a server needs, and the end of those that were made for it alone. */
export interface ServerParts extends Pick<Parts, "broker" | "registry" | "transport"> {
  close(): Promise<void>;
}

/**
 * The service's parts, asked for each time. One that is absent is made when it is first needed: go-micro's
 * defaults, HTTP and mDNS.
 */
export function serverParts(options: Pick<PartOptions, "parts" | "logger" | "secure">): ServerParts {
  const { logger, secure } = options;
  const shared = logger === undefined ? {} : { logger };
  let own: { broker?: Broker; registry?: Registry; transport?: Transport } = {};
  const parts: ServerParts = {
    get broker(): Broker {
      const given = options.parts?.broker;
      if (given !== undefined) return given;
      own.broker ??= newHttpBroker({ ...shared, parts });
      return own.broker;
    },
    get registry(): Registry {
      const given = options.parts?.registry;
      if (given !== undefined) return given;
      own.registry ??= newMdnsRegistry(shared);
      return own.registry;
    },
    get transport(): Transport {
      const given = options.parts?.transport;
      if (given !== undefined) return given;
      own.transport ??= newHttpTransport({ ...shared, ...(secure !== undefined && { secure }) });
      return own.transport;
    },
    async close() {
      const { broker, registry, transport } = own;
      own = {};
      await broker?.disconnect();
      await transport?.close();
      await registry?.close();
    },
  };
  return parts;
}
