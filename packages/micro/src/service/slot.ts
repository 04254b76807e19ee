/**
 * The place of one part in a service: what was chosen for it, and the part itself once somebody asked.
 */
import { defaultNames, tables } from "../cmd/defaults.ts";
import { serviceUnavailable } from "../errors.ts";
import { type Factory, type Kind, kinds, type OptionsOf, type PartOf } from "../kinds.ts";
import { construct } from "../plugin/construct.ts";
import { shapeProblems } from "../shape.ts";
import { hold, release } from "./holders.ts";
import type { Choice } from "./options.ts";

export interface SlotOptions<K extends Kind> {
  readonly kind: K;
  /** From code. */
  readonly choice: Choice<K> | undefined;
  /** What a factory is given. `key` is its name in the table, if it came from there. */
  optionsFor(key: string | undefined): OptionsOf<K>;
  /** Called with each new part before anybody else sees it. */
  prepare(part: PartOf<K>): void;
}

/** A way to come by the part. A part that was made in code has neither key nor factory. */
interface Source<K extends Kind> {
  readonly key: string | undefined;
  readonly factory: Factory<K> | undefined;
  make(): PartOf<K>;
}

export class Slot<K extends Kind> {
  readonly #options: SlotOptions<K>;
  #flagged: Source<K> | undefined;
  #present: { readonly part: PartOf<K>; readonly source: Source<K> } | undefined;
  #building = false;
  #closed = false;

  /** @throws TypeError when what code gave as a part lacks members. */
  constructor(options: SlotOptions<K>) {
    const { kind, choice } = options;
    this.#options = options;
    if (!isPart(choice)) return;
    const problems = shapeProblems(kinds[kind].shape, choice);
    if (problems.length > 0)
      throw new TypeError(`newService: the ${kind} that was given is not a ${kind}: ${problems.join("; ")}`);
    hold(choice);
  }

  /** The present part, built now if it has to be. */
  get part(): PartOf<K> {
    this.#present ??= this.#build();
    return this.#present.part;
  }

  /** The part if somebody asked for it already. */
  get built(): PartOf<K> | undefined {
    return this.#present?.part;
  }

  /** What errors call it. */
  get title(): string {
    const { kind } = this.#options;
    return `${kind} ${this.#present?.part.name ?? ""}`.trimEnd();
  }

  /** True when the program made the part itself and no flag replaces it. */
  get isGiven(): boolean {
    return this.#flagged === undefined && isPart(this.#options.choice);
  }

  /** A flag or variable chose an implementation. Nothing happens before `settle`. */
  choose(key: string, factory: Factory<K>): void {
    this.#flagged = this.#made(key, factory);
  }

  /**
   * All choices are made. Gives up a part that another factory built, or that was built without the settings
   * that came since, and gives it back to be closed; but one that the program made is the program's to close.
   */
  settle(hasNewSettings: boolean): PartOf<K> | undefined {
    const present = this.#present;
    if (present === undefined) return undefined;
    const { part, source } = present;
    const isOutdated = hasNewSettings && source.factory !== undefined;
    if (source.factory === this.#source().factory && !isOutdated) return undefined;
    this.#present = undefined;
    return source.factory === undefined ? undefined : part;
  }

  /** Builds a part that was chosen by code or flag, so that a wrong choice is told before anything starts. */
  check(): void {
    if (this.#flagged !== undefined || this.#options.choice !== undefined) void this.part;
  }

  /** Closes the part, unless nobody asked for it or another service goes on using it. */
  async close(): Promise<void> {
    this.#closed = true;
    const { choice } = this.#options;
    const isLast = !isPart(choice) || release(choice);
    const present = this.#present;
    if (present !== undefined && (present.source.factory !== undefined || isLast)) {
      await present.part[Symbol.asyncDispose]();
    }
  }

  #build(): { part: PartOf<K>; source: Source<K> } {
    const { kind, prepare } = this.#options;
    // Nobody would close it.
    if (this.#closed)
      throw serviceUnavailable("go.micro.service", "the service was stopped", { reason: "closed" });
    if (this.#building) {
      throw new Error(`the ${kind} needs itself to be built; a factory must not use the other parts yet`);
    }
    this.#building = true;
    try {
      const source = this.#source();
      const part = source.make();
      prepare(part);
      return { part, source };
    } finally {
      this.#building = false;
    }
  }

  #source(): Source<K> {
    if (this.#flagged !== undefined) return this.#flagged;
    const { choice, kind } = this.#options;
    if (isPart(choice)) return { key: undefined, factory: undefined, make: () => choice };
    if (typeof choice === "function") return this.#made(undefined, choice);
    const key = choice ?? defaultNames[kind];
    const factory = tables[kind][key];
    if (factory === undefined) {
      throw new Error(`the ${kind} "${key}" is not loaded; await service.init() before using it`);
    }
    return this.#made(key, factory);
  }

  #made(key: string | undefined, factory: Factory<K>): Source<K> {
    const { kind, optionsFor } = this.#options;
    return { key, factory, make: () => construct(kind, key ?? "given in code", factory, optionsFor(key)) };
  }
}

function isPart<K extends Kind>(choice: Choice<K> | undefined): choice is PartOf<K> {
  return typeof choice === "object" && choice !== null;
}
