import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { MicroError, newLogger } from "ts-micro";
import { newMemoryRegistry, type Registry, type Service } from "ts-micro/registry";
import type { AvoidanceOptions, Next, SelectOptions, Selector, SelectorOptions } from "ts-micro/selector";
import type { SelectorSubject, SelectorSupports } from "../selector.ts";

/** What every test of the suite works with. */
export interface SelectorBench {
  readonly supports: SelectorSupports;
  /** A test with selectors and a registry of its own, which are closed when it ends, however it ends. */
  test(name: string, run: (tools: SelectorTools) => Promise<void>): void;
}

export interface SelectorTools {
  /** A name that only this test knows. */
  readonly service: string;
  /** Where `place` puts records by default. */
  readonly registry: Registry;
  /** The time by which selectors avoid nodes, in milliseconds: `avoidMs` are 1000, `maxAvoidMs` 4000. */
  readonly clock: { now: number };
  create(options?: SelectorOptions): Selector;
  /** Makes the service have one version with a node at each of these addresses, and nothing else. */
  place(addresses: readonly string[], fields?: Partial<Service>): Promise<void>;
  placeRecords(service: string, records: readonly Service[]): Promise<void>;
  /** Asks until the selector knows exactly these addresses. */
  comesToKnow(selector: Selector, addresses: readonly string[]): Promise<void>;
}

export function newSelectorBench<Engine>(subject: SelectorSubject<Engine>): SelectorBench {
  const timeout = subject.timeoutMs ?? 30_000;
  const everything = { services: true, filters: true, records: true, changes: true, observes: true };
  const supports: SelectorSupports = { ...everything, avoidance: true, ...subject.supports };
  const logger = newLogger({ write: () => {} });
  let engine: Engine;
  before(async () => {
    engine = (await subject.start?.()) as Engine;
  });
  after(async () => {
    const { [Symbol.asyncDispose]: dispose } = (engine ?? {}) as Partial<AsyncDisposable>;
    await dispose?.call(engine as AsyncDisposable);
  });
  return {
    supports,
    test(name, run) {
      test(name, { timeout }, async () => {
        const service = `greeter-${randomUUID().slice(0, 8)}`;
        const registry = newMemoryRegistry({ addresses: [randomUUID()] });
        const clock = { now: 0 };
        const selectors: Selector[] = [];
        const avoidance: AvoidanceOptions = { avoidMs: 1_000, maxAvoidMs: 4_000, now: () => clock.now };

        async function placeRecords(name: string, records: readonly Service[]): Promise<void> {
          if (subject.place !== undefined) return subject.place(name, records, engine);
          const ids = new Set(records.flatMap(({ nodes }) => nodes.map(({ id }) => id)));
          for (const record of records) await registry.register(record);
          for (const known of await registry.getService(name)) {
            const gone = known.nodes.filter(({ id }) => !ids.has(id));
            if (gone.length > 0) await registry.deregister({ ...known, nodes: gone });
          }
        }

        // What the test waits for may be a timer that doesn't keep the process alive.
        const keepAlive = setInterval(() => {}, 1_000);
        try {
          await run({
            service,
            registry,
            clock,
            create(options = {}) {
              const selector = subject.create(
                { logger, parts: { registry }, ...avoidance, ...options },
                engine,
              );
              selectors.push(selector);
              return selector;
            },
            placeRecords,
            async place(addresses, fields) {
              const records = addresses.length === 0 ? [] : [record(service, addresses, fields)];
              await placeRecords(service, records);
            },
            async comesToKnow(selector, addresses) {
              const wanted = [...addresses].sort();
              const stopAt = performance.now() + timeout / 3;
              for (;;) {
                const known = await candidates(selector, service).catch(() => []);
                if (known.join() === wanted.join()) return;
                if (performance.now() > stopAt) assert.deepEqual(known, wanted);
                await new Promise((resolve) => setTimeout(resolve, 2));
              }
            },
          });
        } finally {
          clearInterval(keepAlive);
          await Promise.all(selectors.map((selector) => selector.close()));
          await registry.close();
        }
      });
    },
  };
}

/** The record of one version; a node's id is made of its address. */
export function record(name: string, addresses: readonly string[], fields: Partial<Service> = {}): Service {
  return {
    name,
    version: "1.0.0",
    metadata: {},
    endpoints: [{ name: "Greeter.Hello", request: null, response: null, metadata: {} }],
    nodes: addresses.map((address) => ({
      id: `${name}-${address}`,
      address,
      metadata: { protocol: "mucp" },
    })),
    ...fields,
  };
}

/** The addresses of the next `count` attempts. */
export function take(next: Next, count: number): string[] {
  return Array.from({ length: count }, () => next().address);
}

/** The addresses that may be chosen from at first, sorted. The last one of them is used. */
export async function candidates(
  selector: Selector,
  service: string,
  options: SelectOptions = {},
): Promise<string[]> {
  let seen: string[] | undefined;
  const next = await selector.select(service, {
    ...options,
    strategy: (_service, nodes) => {
      seen ??= nodes.map(({ address }) => address).sort();
      return nodes.find(({ address }) => address === seen?.at(-1)) ?? nodes[0]!;
    },
  });
  next();
  assert.ok(seen !== undefined, "the strategy of the call was not asked");
  return seen;
}

/** Fails unless `select` throws, at once or later, as it promises. */
export async function selectFails(
  selector: Selector,
  service: string,
  reason: string,
  options: SelectOptions = {},
): Promise<MicroError> {
  let error: unknown;
  try {
    await selector.select(service, options);
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(MicroError.is(error), `expected a MicroError with ${reason}, got ${String(error)}`);
  assert.deepEqual([error.reason, error.code, error.id], [reason, 500, "go.micro.client"]);
  assert.ok(error.detail.includes(service), `"${error.detail}" doesn't name ${service}`);
  return error;
}
