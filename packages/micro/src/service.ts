/**
 * `newService`: from the flags to the drain.
 */
import type { Broker } from "./broker/broker.ts";
import type { Client, ClientPublishOptions } from "./client/client.ts";
import { newTypedClient, type TypedClient, type TypedClientOptions } from "./client/typed-client.ts";
import { readCommand } from "./cmd/cmd.ts";
import type { FlagValue } from "./cmd/flag-value.ts";
import type { Environment } from "./cmd/parse.ts";
import { type Kind, kindNames } from "./kinds.ts";
import { type Logger, newLogger } from "./logger.ts";
import type { Registry } from "./registry/registry.ts";
import type { ServiceDescriptor } from "./schema/schema.ts";
import type { Selector } from "./selector/selector.ts";
import { type HandlerOptionsOf, type MethodsOf, newHandler } from "./server/handler.ts";
import type { Server, SubscriberHandler, SubscriberOptions } from "./server/server.ts";
import { Budget } from "./service/budget.ts";
import { checkOptions } from "./service/check-options.ts";
import { runAll, runHooks, throwAll } from "./service/hooks.ts";
import type { ServiceOptions } from "./service/options.ts";
import { ServiceParts } from "./service/parts.ts";
import { type Program, run } from "./service/run.ts";
import type { Service } from "./service/service.ts";
import type { Store } from "./store/store.ts";
import type { Transport } from "./transport/transport.ts";

export type { Choice, Hook, ServiceOptions } from "./service/options.ts";
export type { Program } from "./service/run.ts";
export type { Service } from "./service/service.ts";

/**
 * Makes a service. Nothing is opened, loaded or read yet, and no part is built.
 * @throws TypeError for an option that is unknown or of the wrong form, and when one can't reach a part that is
 *   made already.
 */
export function newService(options: ServiceOptions = {}): Service {
  return new MicroService(options);
}

class MicroService implements Service {
  readonly #options: ServiceOptions;
  readonly #env: Environment;
  readonly #logger: Logger;
  readonly #parts: ServiceParts;
  readonly #stopping: { readonly promise: Promise<void>; readonly resolve: () => void };
  #args: readonly string[] = [];
  #flags: ReadonlyMap<string, FlagValue> = new Map();
  /** Set by the first call of each; a further call gives the same. */
  #initialised: Promise<void> | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #closed: Promise<unknown[]> | undefined;
  /** How far the start got. */
  #phase: "before" | "starting" | "up" = "before";

  constructor(options: ServiceOptions) {
    checkOptions(options);
    this.#options = { ...options };
    this.#env = options.env ?? process.env;
    this.#logger = options.logger ?? newLogger({ level: this.#env.MICRO_LOG_LEVEL });
    this.#parts = new ServiceParts(this.#options, this.#logger);
    this.#stopping = withResolver();
  }

  get options(): Service["options"] {
    return { ...this.#options, ...this.#parts.serverFlags(), name: this.#parts.name };
  }

  get args(): readonly string[] {
    return this.#args;
  }

  get flags(): ReadonlyMap<string, FlagValue> {
    return this.#flags;
  }

  get ready(): boolean {
    return this.#phase === "up" && this.#stopped === undefined && this.#parts.server.ready;
  }

  get client(): Client {
    return this.#parts.client;
  }

  get server(): Server {
    return this.#parts.server;
  }

  get broker(): Broker {
    return this.#parts.broker;
  }

  get registry(): Registry {
    return this.#parts.registry;
  }

  get selector(): Selector {
    return this.#parts.selector;
  }

  get store(): Store {
    return this.#parts.store;
  }

  get transport(): Transport {
    return this.#parts.transport;
  }

  handle<N extends string | ServiceDescriptor>(
    nameOrSchema: N,
    methods: MethodsOf<N>,
    options?: HandlerOptionsOf<N>,
  ): void {
    this.#parts.server.handle(newHandler(nameOrSchema, methods, options));
  }

  for<S extends ServiceDescriptor>(schema: S, options: TypedClientOptions): TypedClient<S> {
    return newTypedClient(schema, this.client, options);
  }

  subscribe<Body = unknown>(
    topic: string,
    handler: SubscriberHandler<Body>,
    options: SubscriberOptions = {},
  ): void {
    // What a message holds is known only when it comes; `Body` is the program's word for it.
    this.#parts.server.subscribe({ topic, run: handler as SubscriberHandler, options });
  }

  publish(topic: string, body: unknown, options?: ClientPublishOptions): Promise<void> {
    return this.client.publish(topic, body, options);
  }

  init(): Promise<void> {
    this.#initialised ??= this.#init();
    return this.#initialised;
  }

  start(): Promise<void> {
    return this.#startOnce(true);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  run(program?: Program): Promise<number> {
    const { handleSignals = true, signal } = this.#options;
    const service = this;
    return run(
      {
        get name() {
          return service.#options.commandName ?? service.#parts.name;
        },
        logger: this.#logger,
        env: this.#env,
        handleSignals,
        signal,
        stopping: this.#stopping.promise,
        init: () => this.init(),
        start: () => this.#startOnce(program === undefined || this.#parts.server.hasWork),
        stop: () => this.stop(),
      },
      program,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #init(): Promise<void> {
    const { argv = process.argv.slice(2), unknownFlags, root, description, usage, flags } = this.#options;
    const command = await readCommand({
      name: this.#options.commandName ?? this.#parts.name,
      description,
      usage,
      flags,
      argv,
      env: this.#env,
      unknownFlags,
      root,
      names: namesIn(this.#options),
      chosen: kindNames.filter((kind) => this.#options[kind] !== undefined),
    });
    this.#args = command.args;
    this.#flags = command.flags;
    await this.#parts.apply(command);
  }

  #startOnce(withServer: boolean): Promise<void> {
    if (this.#stopped !== undefined) {
      return Promise.reject(this.#livedOnce());
    }
    this.#started ??= this.#start(withServer);
    return this.#started;
  }

  async #start(withServer: boolean): Promise<void> {
    await this.init();
    const { beforeStart = [], afterStart = [] } = this.#options;
    this.#phase = "starting";
    try {
      await runHooks(beforeStart);
      if (this.#closed !== undefined) throw this.#livedOnce();
      if (withServer) {
        this.#logger.info(`Starting [service] ${this.#parts.name}`);
        await this.#parts.server.start();
      }
      this.#phase = "up";
      await runHooks(afterStart);
    } catch (error) {
      for (const further of await this.#close()) this.#logger.error(String(further));
      throw error;
    }
  }

  #livedOnce(): Error {
    return new Error(`${this.#parts.name} was stopped; a service lives once, make a new one`);
  }

  async #stop(): Promise<void> {
    this.#stopping.resolve();
    const errors: unknown[] = [];
    try {
      const start = settled(this.#started ?? this.#initialised);
      const failed = await new Budget(this.#budgetMs).within("the start", () => start);
      // A start that failed has closed everything itself.
      if (failed && this.#phase !== "before") return;
    } catch (late) {
      errors.push(late);
    }
    throwAll([...errors, ...(await this.#close())], `stopping ${this.#parts.name}`);
  }

  get #budgetMs(): number {
    return this.#options.drain?.budgetMs ?? 10_000;
  }

  /** Every step has its turn, once, whatever the others throw; gives what they threw. */
  #close(): Promise<unknown[]> {
    const { beforeStop = [], afterStop = [] } = this.#options;
    this.#closed ??= runAll([
      ...(this.#phase === "up" ? beforeStop : []),
      ...this.#parts.closing(new Budget(this.#budgetMs)),
      ...(this.#phase === "before" ? [] : afterStop),
    ]);
    return this.#closed;
  }
}

/** The kinds that code chose by a name. */
function namesIn(options: ServiceOptions): { [K in Kind]?: string } {
  const choices: { readonly [K in Kind]?: unknown } = options;
  const chosen = kindNames.flatMap((kind) => {
    const choice = choices[kind];
    return typeof choice === "string" ? [[kind, choice] as const] : [];
  });
  return Object.fromEntries(chosen);
}

/** Waits without throwing; true when it failed. */
async function settled(promise: Promise<unknown> | undefined): Promise<boolean> {
  try {
    await promise;
    return false;
  } catch {
    return true;
  }
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
