/**
 * What a service is given in code, and what it is in the end.
 */
import type { ClientOptions, ClientWrapper } from "../client/client.ts";
import type { Flag } from "../cmd/flags.ts";
import type { Environment } from "../cmd/parse.ts";
import type { Factory, Kind, OptionsOf, PartOf } from "../kinds.ts";
import type { Logger } from "../logger.ts";
import type { ServerOptions } from "../server/server.ts";

/**
 * A part given in code: a name out of the table of its kind, a factory, or a part that is made already.
 *
 * A factory gets all that the service knows: `server: (options) => newServer({ ...options, protocols })`. A part
 * that is made already is used as it is; the service's settings can't reach into it. Two services may share
 * one: the last to stop closes it. A flag that names another factory replaces what code gave, and nobody can
 * tell which factory made a part that is made already: `--broker=nats` always replaces that.
 */
export type Choice<K extends Kind> = string | Factory<K> | PartOf<K>;

export type Hook = () => void | PromiseLike<void>;

/** What the server of the service is given. A flag that sets the same wins. */
type ServerSettings = Pick<
  ServerOptions,
  | "name"
  | "id"
  | "version"
  | "address"
  | "advertise"
  | "metadata"
  | "registerTtlMs"
  | "registerIntervalMs"
  | "registerCheck"
  | "drain"
  | "wrapHandler"
  | "wrapSubscriber"
>;

/**
 * All of it is optional, and the order never matters: parts are built when they are first needed, out of the
 * whole.
 */
export interface ServiceOptions extends ServerSettings, Pick<ClientOptions, "wrapCall"> {
  client?: Choice<"client">;
  server?: Choice<"server">;
  registry?: Choice<"registry">;
  broker?: Choice<"broker">;
  selector?: Choice<"selector">;
  transport?: Choice<"transport">;
  store?: Choice<"store">;
  /**
   * Options that all implementations of a kind have, for parts that the service makes:
   * `{ broker: { addresses: ["10.0.0.5:4222"] } }`. When a flag chooses another implementation, it isn't given
   * `addresses`, `secure` and `tls`, which say how to reach the engine of the one chosen in code; a client or server
   * has no engine and keeps its `secure` and `tls`.
   *
   * Options that only one implementation has are given to its factory:
   * `broker: (options) => newHttpBroker({ ...options, mux: false })`.
   */
  partOptions?: { readonly [K in Kind]?: Omit<OptionsOf<K>, "parts"> };
  /** Wrap the whole client, whichever is chosen; the first is the outermost. */
  wrapClient?: readonly ClientWrapper[];

  /** Before the server listens. One that throws ends the start. */
  beforeStart?: readonly Hook[];
  /** The service is registered and answers. One that throws ends the start and stops the server. */
  afterStart?: readonly Hook[];
  /** Before the server drains. Runs only when the start got as far as `afterStart`. */
  beforeStop?: readonly Hook[];
  /** Everything is closed. Runs whenever a `beforeStart` hook did, whatever failed since. */
  afterStop?: readonly Hook[];

  /** @default a logger on stderr at the level of `MICRO_LOG_LEVEL` */
  logger?: Logger;
  /** Arguments without the names of Node and the script. When given, the process's own are never read. */
  argv?: readonly string[];
  /** The program's own flags, as go-micro's `micro.Flags`: they join `--help`; given ones are in `service.flags`. */
  flags?: readonly Flag[];
  /** What `--help` and errors call the program, as go-micro's `cmd.Name`. @default `name` */
  commandName?: string;
  /** What the program is, in one line of `--help`, as go-micro's `cmd.Description`. @default "a ts-micro service" */
  description?: string;
  /** What `--help` shows under USAGE. @default `<name> [options] [arguments...]` */
  usage?: string;
  /** Variables. When given, the process's own are never read. */
  env?: Environment;
  /** `ignore` leaves them, and the words around them, in `service.args`. @default "error" */
  unknownFlags?: "error" | "ignore";
  /** Folder from which names of packages are resolved. @default the application's root */
  root?: string;
  /** `run` ends at SIGTERM, SIGINT and SIGQUIT; a second one ends the process at once. @default true */
  handleSignals?: boolean;
  /** Ends `run`, as go-micro's context does. */
  signal?: AbortSignal;
}

/** The name of a service that has none, as in go-micro. */
export const defaultName = "go.micro.server";

/** The members of `options` that are the server's own, without those that aren't there. */
export function serverSettings(options: ServiceOptions): ServerSettings {
  return defined({
    name: options.name,
    id: options.id,
    version: options.version,
    address: options.address,
    advertise: options.advertise,
    metadata: options.metadata,
    registerTtlMs: options.registerTtlMs,
    registerIntervalMs: options.registerIntervalMs,
    registerCheck: options.registerCheck,
    drain: options.drain,
    wrapHandler: options.wrapHandler,
    wrapSubscriber: options.wrapSubscriber,
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
