/**
 * The tables: key → factory, one per kind (`config/cmd/cmd.go`, `DefaultBrokers` and its siblings). Plugins
 * write into them and flags choose from them. They are shared by all services of the process.
 */
import { newHttpBroker } from "../broker/http.ts";
import { newMemoryBroker } from "../broker/memory.ts";
import type { ClientWire } from "../client/client-over.ts";
import { newClient } from "../client/mucp.ts";
import type { Factory, Kind } from "../kinds.ts";
import { newMdnsRegistry } from "../registry/mdns.ts";
import { newMemoryRegistry } from "../registry/memory.ts";
import { newDnsSelector } from "../selector/dns.ts";
import { newSelector } from "../selector/registry.ts";
import { newStaticSelector } from "../selector/static.ts";
import { newServer } from "../server/mucp.ts";
import type { Wire } from "../server/wire.ts";
import { newFileStore } from "../store/file.ts";
import { newMemoryStore } from "../store/memory.ts";
import { newHttpTransport } from "../transport/http.ts";
import { newMemoryTransport } from "../transport/memory.ts";

/** The key is the word after `--broker=`. Has no prototype, so `constructor` is only a key. */
export type Table<K extends Kind> = Record<string, Factory<K>>;

const builtIn = new WeakSet<object>();

export const defaultBrokers: Table<"broker"> = table({ http: newHttpBroker, memory: newMemoryBroker });

export const defaultClients: Table<"client"> = table({ mucp: newClient });

export const defaultRegistries: Table<"registry"> = table({
  mdns: newMdnsRegistry,
  memory: newMemoryRegistry,
});

export const defaultSelectors: Table<"selector"> = table({
  registry: newSelector,
  dns: newDnsSelector,
  static: newStaticSelector,
});

export const defaultServers: Table<"server"> = table({ mucp: newServer });

export const defaultTransports: Table<"transport"> = table({
  http: newHttpTransport,
  memory: newMemoryTransport,
});

export const defaultStores: Table<"store"> = table({ memory: newMemoryStore, file: newFileStore });

/** The same seven, by kind: `tables[kind]`. */
export const tables: { readonly [K in Kind]: Table<K> } = {
  client: defaultClients,
  server: defaultServers,
  registry: defaultRegistries,
  broker: defaultBrokers,
  selector: defaultSelectors,
  transport: defaultTransports,
  store: defaultStores,
};

/** What plugins offer to stand beside the default client and server, by the plugin's name. */
export const wires: { readonly client: Record<string, ClientWire>; readonly server: Record<string, Wire> } = {
  client: Object.create(null),
  server: Object.create(null),
};

/** What a service uses when nothing was chosen. A plugin that overrides such a key changes the default. */
export const defaultNames: { readonly [K in Kind]: string } = {
  client: "mucp",
  server: "mucp",
  registry: "mdns",
  broker: "http",
  selector: "registry",
  transport: "http",
  store: "memory",
};

/** Whether a factory of a table is ts-micro's own. */
export function isBuiltIn(factory: unknown): boolean {
  return typeof factory === "function" && builtIn.has(factory);
}

function table<K extends Kind>(builtIns: Record<string, Factory<K>>): Table<K> {
  for (const factory of Object.values(builtIns)) builtIn.add(factory);
  return Object.assign(Object.create(null), builtIns);
}
