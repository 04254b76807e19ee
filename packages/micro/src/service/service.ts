import type { ClientPublishOptions } from "../client/client.ts";
import type { TypedClient, TypedClientOptions } from "../client/typed-client.ts";
import type { FlagValue } from "../cmd/flag-value.ts";
import type { Parts } from "../parts.ts";
import type { ServiceDescriptor } from "../schema/schema.ts";
import type { HandlerOptionsOf, MethodsOf } from "../server/handler.ts";
import type { SubscriberHandler, SubscriberOptions } from "../server/server.ts";
import type { ServiceOptions } from "./options.ts";
import type { Program } from "./run.ts";

/** One service of the process: its parts, what it serves, and its life. */
export interface Service extends Parts, AsyncDisposable {
  readonly options: ServiceOptions & { readonly name: string };
  /** Words and flags of the command line that aren't the framework's. Empty before `init`. */
  readonly args: readonly string[];
  /** Those of `options.flags` that were given, by name. Empty before `init`. */
  readonly flags: ReadonlyMap<string, FlagValue>;
  /** True while calls are answered and the service is in the registry. */
  readonly ready: boolean;
  /**
   * Loads plugins, reads flags and variables, chooses parts. A second call gives the same promise.
   * Opens nothing, prints nothing, never ends the process.
   * @throws PluginError, UsageError, HelpRequested
   */
  init(): Promise<void>;
  /**
   * Initialises if that wasn't done, runs the hooks, starts the server. Resolves when calls are answered. What
   * was started is stopped again when it fails. A second call gives the same promise.
   * @throws Error after `stop`: a service lives once.
   */
  start(): Promise<void>;
  /**
   * The whole life: init, start, then until a signal, `options.signal` or `stop`; or with a `program`, until
   * that has ended. With a program the server is started only if there are handlers or subscribers.
   *
   * Never rejects. What went wrong is one line on stderr; the result is the exit code, which is also set
   * as the process's: 0, 1 it failed, 2 wrong usage, 128 + n for a program cut off by signal n.
   */
  run(program?: Program): Promise<number>;
  /**
   * Drains the server, then closes all parts that were used. A second call gives the same promise.
   * @throws what hooks and parts threw, after all of them had their turn.
   */
  stop(): Promise<void>;
  /**
   * Serves the functions of `methods` as `<name>.<key>`; of a protobuf service, `sayHello` of `helloworld.Greeter` as
   * `Greeter.SayHello`. Also while running.
   * @throws MicroError 409 when there is a handler of that name, 400 when the name or a method is invalid, or
   *   doesn't fit the schema.
   */
  handle<N extends string | ServiceDescriptor>(
    nameOrSchema: N,
    methods: MethodsOf<N>,
    options?: HandlerOptionsOf<N>,
  ): void;
  /**
   * The methods of a protobuf service, to be called: `service.for(GreeterService, { service: "greeter" })`. Works
   * with every client, and with whichever is chosen later.
   * @throws MicroError 400 when the schema is not one, or `options.service` is empty.
   */
  for<S extends ServiceDescriptor>(schema: S, options: TypedClientOptions): TypedClient<S>;
  /**
   * Calls `handler` for each message of `topic`. An option that the broker doesn't support fails `start`; while
   * running it is logged, and the handler gets nothing.
   * @throws MicroError 400 when the topic is empty, the handler is no function, or there is no such option.
   */
  subscribe<Body = unknown>(
    topic: string,
    handler: SubscriberHandler<Body>,
    options?: SubscriberOptions,
  ): void;
  /** Same as `service.client.publish`: connects the broker on first use, and rejects as that does. */
  publish(topic: string, body: unknown, options?: ClientPublishOptions): Promise<void>;
}
