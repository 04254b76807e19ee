import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { Registry, Result, Service, Watcher } from "ts-micro/registry";
import type { RegistrySubject, RegistrySupports } from "../registry.ts";

/** What every test of the suite works with. */
export interface RegistryBench {
  readonly supports: RegistrySupports;
  /** A test with registries of its own, which are closed when it ends, however it ends. */
  test(name: string, run: (tools: RegistryTools) => Promise<void>): void;
}

export interface RegistryTools {
  /** A service of a new name, with a node for each id. */
  service(ids: readonly string[], fields?: Partial<Service>): Service;
  create(): Registry;
  /** Looks up with a registry of its own until what is found pleases `wanted`. */
  finds(name: string, wanted: (found: Service[]) => boolean): Promise<Service[]>;
}

export function newRegistryBench<Engine>(subject: RegistrySubject<Engine>): RegistryBench {
  const timeout = subject.timeoutMs ?? 30_000;
  const supports: RegistrySupports = {
    ...{ serviceMetadata: true, listsVersions: true, survivesClose: true, watchesAll: true, ttlMs: 50 },
    ...subject.supports,
  };
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
        const registries: Registry[] = [];
        const registered: Service[] = [];
        const create = (): Registry => {
          const registry = subject.create(engine);
          registries.push(registry);
          return registry;
        };
        const service = (ids: readonly string[], fields: Partial<Service> = {}): Service => {
          const made = serviceOf(ids, fields);
          registered.push(made);
          return made;
        };
        const finds: RegistryTools["finds"] = async (name, wanted) => {
          const registry = create();
          const stopAt = performance.now() + timeout / 3;
          for (;;) {
            const found = await registry.getService(name);
            if (wanted(found)) return found;
            if (performance.now() > stopAt) assert.fail(`last found of ${name}: ${JSON.stringify(found)}`);
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        };
        // A node must not wait for its registry in vain: what the test keeps open keeps the process alive.
        const keepAlive = setInterval(() => {}, 1_000);
        try {
          await run({ service, create, finds });
        } finally {
          clearInterval(keepAlive);
          const cleaner = create();
          await Promise.all(registered.map((service) => cleaner.deregister(service)));
          await Promise.all(registries.map((registry) => registry.close()));
        }
      });
    },
  };
}

function serviceOf(ids: readonly string[], fields: Partial<Service>): Service {
  const name = `conformance.greeter-${randomUUID().slice(0, 8)}`;
  return {
    name,
    version: "1.0.0",
    metadata: {},
    endpoints: [
      {
        name: "Greeter.Hello",
        request: { name: "Request", type: "Request", values: [{ name: "name", type: "string", values: [] }] },
        response: {
          name: "Response",
          type: "Response",
          values: [{ name: "msg", type: "string", values: [] }],
        },
        metadata: { stream: "true" },
      },
    ],
    nodes: ids.map((id, index) => ({
      id: `${name}-${id}`,
      address: `10.0.0.${index + 1}:${8000 + index}`,
      metadata: { protocol: "mucp", server: "mucp" },
    })),
    ...fields,
  };
}

/** `1.0.0 a,b; 2.0.0 c`: versions and the last parts of their nodes' ids. */
export function summary(services: readonly Service[]): string {
  return services.map(versionAndIds).sort().join("; ");
}

export function change({ action, service }: Result): string {
  return `${action} ${versionAndIds(service)}`;
}

function versionAndIds({ name, version, nodes }: Service): string {
  const ids = nodes.map(({ id }) => (id.startsWith(`${name}-`) ? id.slice(name.length + 1) : id));
  return `${version} ${ids.sort().join()}`;
}

/** Reads `count` changes, one line for each node of each. The watcher stays open. */
export async function changes(watcher: Watcher, count: number): Promise<string[]> {
  const seen: string[] = [];
  const iterator = watcher[Symbol.asyncIterator]();
  while (seen.length < count) {
    const { done, value } = await iterator.next();
    if (done) assert.fail(`the watcher ended after ${JSON.stringify(seen)}, ${count} were expected`);
    // Engines may tell of several nodes at once or one by one.
    for (const node of value.service.nodes) {
      seen.push(change({ ...value, service: { ...value.service, nodes: [node] } }));
    }
  }
  return seen;
}

/** Records as they must come back: sorted by version, nodes by id, metadata of the service only where it survives. */
export function expected(supports: RegistrySupports, ...services: Service[]): Service[] {
  return sorted(
    services.map((service) => ({ ...service, metadata: supports.serviceMetadata ? service.metadata : {} })),
  );
}

export function sorted(services: readonly Service[]): Service[] {
  const byKey = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return services
    .map((service) => ({ ...service, nodes: [...service.nodes].sort((a, b) => byKey(a.id, b.id)) }))
    .sort((a, b) => byKey(a.version, b.version));
}
