/**
 * What a flag is, and the table of the framework's own. Those that plugins bring are the same kind of value.
 */
import type { Kind, OptionsOf } from "../kinds.ts";

/**
 * How a flag's text is read: `int` is a whole number from 0 on, `duration` is Go's form (`1m30s`), `seconds`
 * takes a plain number of seconds too, `list` and `pairs` may be repeated. Both of the latter split at commas
 * in a variable, `list` also on the command line.
 */
export type FlagType = "string" | "int" | "duration" | "seconds" | "list" | "pairs" | "bool";

export interface Flag {
  /** With underscores, as go-micro's: `client_request_timeout`. */
  readonly name: string;
  readonly type: FlagType;
  /** One line for `--help`. */
  readonly usage: string;
  /** @default `MICRO_` and the name in capitals */
  readonly env?: string;
}

/** Sets one option of whichever implementation of `kind` is chosen. */
export type SettingFlag = {
  [K in Kind]: Flag & { readonly kind: K; readonly option: keyof OptionsOf<K> };
}[Kind];

/** Chooses the implementation of the kind it is named after. */
export interface ChoiceFlag extends Flag {
  readonly name: Kind;
}

/** Each names one plugin, so that a path may hold a comma; only the variable is split. */
export const pluginFlag: Flag = {
  name: "plugin",
  type: "string",
  usage:
    "Plugin to load first: a file, a folder or a package. Repeatable; the variable takes a comma-separated list",
};

/** Has no variable: `MICRO_HELP` would be a strange thing to find in an environment. */
export const helpFlag: Flag = { name: "help", type: "bool", usage: "Show this help", env: "" };

export const choiceFlags: readonly ChoiceFlag[] = [
  { name: "client", type: "string", usage: "Client for go-micro" },
  { name: "server", type: "string", usage: "Server for go-micro" },
  { name: "registry", type: "string", usage: "Registry for discovery" },
  { name: "broker", type: "string", usage: "Broker for pub/sub" },
  { name: "selector", type: "string", usage: "Selector used to pick nodes for querying" },
  { name: "transport", type: "string", usage: "Transport mechanism used" },
  { name: "store", type: "string", usage: "Store used for key-value storage" },
];

/** go-micro v2.9.1's names, variables and units (`config/cmd/cmd.go`). No flag has a default that code would lose to. */
export const settingFlags: readonly SettingFlag[] = [
  {
    name: "client_request_timeout",
    type: "duration",
    usage: "Limit of a whole call, such as 500ms, 5s, 1m. Default: 5s",
    kind: "client",
    option: "requestTimeoutMs",
  },
  {
    name: "client_retries",
    type: "int",
    usage: "How often a failed call is tried again. Default: 1",
    kind: "client",
    option: "retries",
  },
  {
    name: "client_pool_size",
    type: "int",
    usage: "Idle connections kept per address. Default: 100",
    kind: "client",
    option: "poolSize",
  },
  {
    name: "client_pool_ttl",
    type: "duration",
    usage: "Age at which an idle connection is given up, such as 500ms, 5s, 1m. Default: 1m",
    kind: "client",
    option: "poolTtlMs",
  },
  {
    name: "register_ttl",
    type: "seconds",
    usage: "Time the registry keeps a silent node, in seconds or such as 1m30s. Default: 90",
    kind: "server",
    option: "registerTtlMs",
  },
  {
    name: "register_interval",
    type: "seconds",
    usage: "Time between registrations, in seconds or such as 30s; 0 registers once. Default: 30",
    kind: "server",
    option: "registerIntervalMs",
  },
  {
    name: "server_name",
    type: "string",
    usage: "Name of the service, such as go.micro.srv.example",
    kind: "server",
    option: "name",
  },
  {
    name: "server_version",
    type: "string",
    usage: "Version of the service, such as 1.1.0",
    kind: "server",
    option: "version",
  },
  {
    name: "server_id",
    type: "string",
    usage: "Id of the server. Made up if not given",
    kind: "server",
    option: "id",
  },
  {
    name: "server_address",
    type: "string",
    usage: "Address to listen on, such as 127.0.0.1:8080",
    kind: "server",
    option: "address",
  },
  {
    name: "server_advertise",
    type: "string",
    usage: "Address to register instead of the one listened on, such as 10.0.0.7:8080",
    kind: "server",
    option: "advertise",
  },
  {
    name: "server_metadata",
    type: "pairs",
    usage: "Metadata of the server, such as zone=a. Repeatable",
    kind: "server",
    option: "metadata",
  },
  {
    name: "registry_address",
    type: "list",
    usage: "Comma-separated list of registry addresses",
    kind: "registry",
    option: "addresses",
  },
  {
    name: "broker_address",
    type: "list",
    usage: "Comma-separated list of broker addresses",
    kind: "broker",
    option: "addresses",
  },
  {
    name: "transport_address",
    type: "list",
    usage: "Comma-separated list of transport addresses",
    kind: "transport",
    option: "addresses",
  },
  {
    name: "store_address",
    type: "list",
    usage: "Comma-separated list of store addresses",
    kind: "store",
    option: "addresses",
  },
  {
    name: "store_database",
    type: "string",
    usage: "Database of the store, which keeps apart who shares an engine. Default: micro",
    kind: "store",
    option: "database",
  },
  {
    name: "store_table",
    type: "string",
    usage: "Table of the store. Default: the service's name",
    kind: "store",
    option: "table",
  },
];

/** All of the framework's own, in the order of `--help`: each kind's choice, then its settings. */
export const frameworkFlags: readonly Flag[] = [
  ...choiceFlags.flatMap((choice) => [
    choice,
    ...settingFlags.filter((setting) => setting.kind === choice.name),
  ]),
  pluginFlag,
  helpFlag,
];

/** The variable that sets `flag`: its own, or `MICRO_` and the name in capitals. `undefined` when it has none. */
export function variableOf(flag: Flag): string | undefined {
  const name = flag.env ?? `MICRO_${flag.name.toUpperCase()}`;
  return name === "" ? undefined : name;
}
