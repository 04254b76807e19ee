import { describe } from "node:test";
import type { Service } from "ts-micro/registry";
import type { AvoidanceOptions, Selector, SelectorOptions } from "ts-micro/selector";
import { askingTests } from "./selector/asking.ts";
import { avoidanceTests } from "./selector/avoidance.ts";
import { newSelectorBench } from "./selector/bench.ts";
import { changeTests } from "./selector/changes.ts";
import { choosingTests } from "./selector/choosing.ts";
import { filterTests } from "./selector/filters.ts";

export interface SelectorSubject<Engine = undefined> {
  /** Starts what the selectors need, once for the suite; it is disposed of in the end. */
  start?: () => Promise<Engine> | Engine;
  /**
   * A selector. `options.parts.registry` is a memory registry of the test's own; the times of the
   * avoidance are those of a clock that the test moves.
   */
  create: (options: SelectorOptions & AvoidanceOptions, engine: Engine) => Selector;
  /**
   * Makes exactly these records what is known of the service, for selectors that find nodes elsewhere.
   * @default they are registered in `options.parts.registry`, and the suite tries how the selector asks it
   */
  place?: (service: string, records: readonly Service[], engine: Engine) => Promise<void> | void;
  /** What this kind of selector can't do. */
  supports?: Partial<SelectorSupports>;
  /** Limit of one test, in milliseconds. @default 30_000 */
  timeoutMs?: number;
}

export interface SelectorSupports {
  /** Services are told apart, and one that nobody placed is `service-not-found`. @default true */
  services: boolean;
  /** Filters are asked. @default true */
  filters: boolean;
  /** Ids, metadata, versions and endpoints are known, not only addresses. @default true */
  records: boolean;
  /** What is placed later is seen by a selector that is in use, soon. @default true */
  changes: boolean;
  /** There is `observe`. @default true */
  observes: boolean;
  /** Keeps to `AvoidanceOptions`, their clock included. @default true */
  avoidance: boolean;
}

/**
 * The suite of a selector. What `supports` denies is left out, since nobody is deceived by it.
 *
 *     selectorConformance("nearest", { create: (options) => newSelector(options) });
 */
export function selectorConformance<Engine = undefined>(
  name: string,
  subject: SelectorSubject<Engine>,
): void {
  describe(`selector ${name}`, { timeout: 20 * (subject.timeoutMs ?? 30_000) }, () => {
    const bench = newSelectorBench(subject);
    choosingTests(bench);
    filterTests(bench);
    changeTests(bench);
    avoidanceTests(bench);
    if (subject.place === undefined) askingTests(bench);
  });
}
