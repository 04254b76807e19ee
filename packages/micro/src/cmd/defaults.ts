/**
 * The tables: key → factory, one per kind (`config/cmd/cmd.go`, `DefaultBrokers` and its siblings). Plugins
 * write into them and flags choose from them. They are shared by all services of the process.
 */
import { newClient } from "../client/mucp.ts";
import type { Factory, Kind } from "../kinds.ts";

/** The key is the word after `--broker=`. Has no prototype, so `constructor` is only a key. */
export type Table<K extends Kind> = Record<string, Factory<K>>;

export const defaultBrokers: Table<"broker"> = table({});

export const defaultClients: Table<"client"> = table({ mucp: newClient });

export const defaultRegistries: Table<"registry"> = table({});

export const defaultSelectors: Table<"selector"> = table({});

export const defaultServers: Table<"server"> = table({});

export const defaultTransports: Table<"transport"> = table({});

/** The same six, by kind: `tables[kind]`. */
export const tables: { readonly [K in Kind]: Table<K> } = {
  client: defaultClients,
  server: defaultServers,
  registry: defaultRegistries,
  broker: defaultBrokers,
  selector: defaultSelectors,
  transport: defaultTransports,
};

/** What a service uses when nothing was chosen. A plugin that overrides such a key changes the default. */
export const defaultNames: { readonly [K in Kind]: string } = {
  client: "mucp",
  server: "mucp",
  registry: "mdns",
  broker: "http",
  selector: "registry",
  transport: "http",
};

function table<K extends Kind>(builtIns: Record<string, Factory<K>>): Table<K> {
  return Object.assign(Object.create(null), builtIns);
}
