/**
 * What built plugins take from the program that loads them.
 *
 * `ts-micro` is not bundled into a plugin. Its imports of ts-micro are look-ups in the loading program's own
 * copy, through a symbol that every copy knows. So the file works from any folder, and a `MicroError` made
 * in it is the program's class.
 */
import { createRequire } from "node:module";

/** Part of the form of built plugins: a change needs a new number and a new manifest schema. */
export const hostKey = "ts-micro.host.v1";

interface Host {
  /** Version of the copy that owns the symbol. */
  readonly version: string;
  /** Subpath → its exports, once imported. */
  readonly modules: Record<string, Readonly<Record<string, unknown>>>;
  /** Imports a subpath into `modules`. */
  provide(subpath: string): Promise<void>;
}

let version: string | undefined;

/** Looked up when it is first asked for, which most programs never do. */
export function hostVersion(): string {
  version ??= packageVersion();
  return version;
}

const importers: Record<string, () => Promise<Readonly<Record<string, unknown>>>> = {
  "ts-micro": () => import("../index.ts"),
  "ts-micro/plugin": () => import("./index.ts"),
  "ts-micro/cmd": () => import("../cmd/index.ts"),
  "ts-micro/broker": () => import("../broker/index.ts"),
  "ts-micro/client": () => import("../client/index.ts"),
  "ts-micro/codec": () => import("../codec/index.ts"),
  "ts-micro/registry": () => import("../registry/index.ts"),
  "ts-micro/selector": () => import("../selector/index.ts"),
  "ts-micro/server": () => import("../server/index.ts"),
  "ts-micro/store": () => import("../store/index.ts"),
  "ts-micro/transport": () => import("../transport/index.ts"),
};

/** What a plugin may import of ts-micro. */
export const hostSubpaths = Object.keys(importers);

/** The names that a subpath exports in this copy; the subpath must be one of `hostSubpaths`. */
export async function hostNames(subpath: string): Promise<string[]> {
  return Object.keys(await importers[subpath]!());
}

const own: Host = {
  get version() {
    return hostVersion();
  },
  modules: Object.create(null),
  async provide(subpath) {
    own.modules[subpath] = (await importers[subpath]?.()) ?? {};
  },
};

/** Makes `subpaths` ready for a built plugin. The first copy of ts-micro that loads one serves all others too. */
export async function provideHost(subpaths: readonly string[]): Promise<void> {
  const globals = globalThis as { [key: symbol]: Host | undefined };
  globals[Symbol.for(hostKey)] ??= own;
  const host = globals[Symbol.for(hostKey)] ?? own;
  await Promise.all(subpaths.map((subpath) => host.provide(subpath)));
}

function packageVersion(): string {
  try {
    return createRequire(import.meta.url)("ts-micro/package.json").version;
  } catch {
    // A bundler has put ts-micro into the program, where no package.json is.
    return "(bundled)";
  }
}
