/**
 * The parts of one service: which are there, what each is given, and how they are closed.
 *
 * Nobody else keeps a part, so that a flag can replace one after the program was set up in code.
 */
import type { Broker } from "../broker/broker.ts";
import { type Client, type ClientWrapper, clientShape } from "../client/client.ts";
import type { Command, Setting } from "../cmd/cmd.ts";
import { defaultNames, wires } from "../cmd/defaults.ts";
import { UsageError } from "../errors.ts";
import { type Kind, kindNames, type OptionsOf, type PartOf } from "../kinds.ts";
import type { Logger } from "../logger.ts";
import type { Parts } from "../parts.ts";
import type { Registry } from "../registry/registry.ts";
import type { Selector } from "../selector/selector.ts";
import { shapeProblems } from "../shape.ts";
import type { Store } from "../store/store.ts";
import type { Transport } from "../transport/transport.ts";
import type { Budget } from "./budget.ts";
import { fromService } from "./from-service.ts";
import { runAll } from "./hooks.ts";
import { KeptServer } from "./kept-server.ts";
import { type Choice, defaultName, type Hook, type ServiceOptions, serverSettings } from "./options.ts";
import { Slot } from "./slot.ts";

export class ServiceParts implements Parts {
  /** One object for the whole life of the service, whichever client is the present one. */
  readonly client: Client;
  /** One object for the whole life of the service, whichever server is the present one. */
  readonly server: KeptServer;
  readonly #slots: { readonly [K in Kind]: Slot<K> };
  readonly #options: ServiceOptions;
  readonly #logger: Logger;
  #settings: readonly Setting[] = [];
  #flagged: Command["choices"] = {};
  #wrapped: { readonly raw: Client; readonly client: Client } | undefined;

  constructor(options: ServiceOptions, logger: Logger) {
    this.#options = options;
    this.#logger = logger;
    this.#slots = {
      client: this.#slot("client", options.client),
      server: this.#slot("server", options.server, (server) => this.server.equip(server)),
      registry: this.#slot("registry", options.registry),
      broker: this.#slot("broker", options.broker),
      selector: this.#slot("selector", options.selector),
      transport: this.#slot("transport", options.transport),
      store: this.#slot("store", options.store),
    };
    this.client = fromService(
      () => this.#wrappedClient(),
      () => this.name,
    );
    const { server } = this.#slots;
    this.server = new KeptServer(
      () => server.part,
      () => server.built,
    );
  }

  get broker(): Broker {
    return this.#slots.broker.part;
  }

  get registry(): Registry {
    return this.#slots.registry.part;
  }

  get selector(): Selector {
    return this.#slots.selector.part;
  }

  get store(): Store {
    return this.#slots.store.part;
  }

  get transport(): Transport {
    return this.#slots.transport.part;
  }

  /** The service's name: a flag's, the code's, or go-micro's default. */
  get name(): string {
    const given = this.#settings.find(({ kind, option }) => kind === "server" && option === "name");
    return String(given?.value ?? (this.#options.name || defaultName));
  }

  /** What flags and variables set of the server, under the names that the service's options have too. */
  serverFlags(): Partial<ServiceOptions> {
    const settings = this.#settings.filter(({ kind, key }) => kind === "server" && key === undefined);
    return Object.fromEntries(settings.map(({ option, value }) => [option, value]));
  }

  /** What the command line asks for replaces what code chose. */
  async apply(command: Command): Promise<void> {
    this.#settings = command.settings;
    this.#flagged = command.choices;
    for (const kind of kindNames) this.#choose(kind, command.choices);
    this.#tellUnreached();
    for (const kind of kindNames) {
      const replaced = this.#slots[kind].settle(command.settings.some((setting) => concerns(setting, kind)));
      if (replaced === undefined) continue;
      const errors = await runAll([() => replaced[Symbol.asyncDispose]()]);
      for (const error of errors)
        this.#logger.warn(`closing the ${kind} that was replaced: ${String(error)}`);
    }
    for (const kind of kindNames) this.#slots[kind].check();
  }

  /** Steps that close what was built, in the order in which they need one another. */
  closing(budget: Budget): Hook[] {
    const { server, client, broker, store, selector, registry, transport } = this.#slots;
    const others = [client, broker, store, selector, registry, transport];
    // The server's stop drains, and looks after its time itself.
    return [
      () => server.close(),
      ...others.map((slot) => () => budget.within(`closing the ${slot.title}`, () => slot.close())),
    ];
  }

  #slot<K extends Kind>(
    kind: K,
    choice: Choice<K> | undefined,
    prepare: (part: PartOf<K>) => void = () => {},
  ): Slot<K> {
    const slot = new Slot<K>({
      kind,
      choice,
      prepare,
      optionsFor: (key) => this.#optionsFor(kind, choice, key),
    });
    const unreached = slot.isGiven ? Object.keys(this.#fromCode(kind)).filter((key) => key !== "name") : [];
    if (unreached.length > 0) {
      throw new TypeError(
        `newService: ${unreached.join(", ")} can't reach the ${kind}, which is made already; ` +
          `give a factory instead: ${kind}: (options) => new…({ ...options })`,
      );
    }
    return slot;
  }

  #choose<K extends Kind>(kind: K, choices: Command["choices"]): void {
    const choice = choices[kind];
    if (choice !== undefined) this.#slots[kind].choose(choice.key, choice.factory);
  }

  #optionsFor<K extends Kind>(kind: K, choice: Choice<K> | undefined, key: string | undefined): OptionsOf<K> {
    const fromCode: Record<string, unknown> = this.#fromCode(kind);
    const meantFor =
      choice === undefined ? defaultNames[kind] : typeof choice === "string" ? choice : undefined;
    if (key !== meantFor) this.#leaveBehind(kind, fromCode, String(key));
    const fromFlags = this.#settings
      .filter((setting) => setting.kind === kind && (setting.key === undefined || setting.key === key))
      .map(({ option, value }) => [option, value]);
    const isChosen = choice !== undefined || this.#flagged[kind] !== undefined;
    const options = {
      logger: this.#logger,
      // As go-micro does, so that services which share an engine keep out of each other's way (`service.go`, Init).
      ...(kind === "store" && { table: this.name }),
      ...(!isChosen && this.#joining(kind)),
      ...fromCode,
      ...Object.fromEntries(fromFlags),
      parts: this,
    };
    // The table of flags is held to the options of its kind by the compiler; a plugin's flags are its own affair.
    return options as unknown as OptionsOf<K>;
  }

  /** What code said of an engine isn't meant for the one that a flag chose instead. */
  #leaveBehind(kind: Kind, fromCode: Record<string, unknown>, chosen: string): void {
    if (!hasEngine(kind)) return;
    const left = engineOptions.filter((option) => fromCode[option] !== undefined);
    for (const option of left) delete fromCode[option];
    if (!left.includes("tls") && !left.includes("secure")) return;
    this.#logger.warn(
      `${left.join(", ")} of partOptions.${kind} were meant for another ${kind} and are not given to ${chosen}, ` +
        `which was chosen instead; give ${chosen} its own by its flags or variables`,
    );
  }

  /** What plugins bring to stand beside the default part. */
  #joining(kind: Kind): { wires?: readonly unknown[] } {
    if (kind === "client") return { wires: Object.values(wires.client) };
    // Where messages are no bytes of a connection, there is nothing to share.
    if (kind === "server" && this.transport.sharesPort) return { wires: Object.values(wires.server) };
    return {};
  }

  /** What the program set for a kind, whichever implementation is chosen. */
  #fromCode(kind: Kind): Record<string, unknown> {
    const { partOptions, wrapCall } = this.#options;
    return {
      ...partOptions?.[kind],
      ...(kind === "server" && serverSettings(this.#options)),
      ...(kind === "client" && wrapCall !== undefined && { wrapCall }),
    };
  }

  /** A part that is made already can't be given the settings of the command line. */
  #tellUnreached(): void {
    for (const { kind, option, source } of this.#settings) {
      if (!this.#slots[kind].isGiven || option === "name") continue;
      const text = `${source.name} can't reach the ${kind}, which the program made itself`;
      // A flag was typed for this program; a variable may be there for others.
      if (!source.isVariable) throw new UsageError(`${text}; choose one with --${kind} too, or leave it out`);
      this.#logger.warn(text);
    }
  }

  #wrappedClient(): Client {
    const raw = this.#slots.client.part;
    if (this.#wrapped?.raw !== raw) {
      const { wrapClient = [] } = this.#options;
      this.#wrapped = { raw, client: wrapClient.reduceRight(wrap, raw) };
    }
    return this.#wrapped.client;
  }
}

/** The store's table is named after the service. */
function concerns(setting: Setting, kind: Kind): boolean {
  return (
    setting.kind === kind || (kind === "store" && setting.kind === "server" && setting.option === "name")
  );
}

/** Options that say where one implementation's engine is and how it is reached. */
const engineOptions = ["addresses", "secure", "tls"];

/** Clients and servers meet each other: their TLS is the service's own, and must not be lost when a flag swaps them. */
function hasEngine(kind: Kind): boolean {
  return kind !== "client" && kind !== "server";
}

function wrap(client: Client, wrapper: ClientWrapper): Client {
  const wrapped = wrapper(client);
  const problems = shapeProblems(clientShape, wrapped);
  if (problems.length > 0) {
    throw new TypeError(
      `wrapClient: what ${wrapper.name || "a wrapper"} returns is not a client: ${problems.join("; ")}`,
    );
  }
  return wrapped;
}
