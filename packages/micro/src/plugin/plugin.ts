import type { ClientWire } from "../client/client-over.ts";
import type { Flag } from "../cmd/flags.ts";
import type { Factory, Kind } from "../kinds.ts";
import type { Wire } from "../server/wire.ts";

/**
 * go-micro v2's plugin system (`plugin/plugin.go` @ v2.9.1): a module exports `Plugin`, loading finds and
 * checks it, initialising writes its factory into the table of its kind, and a flag chooses from there.
 */
export interface Plugin {
  /**
   * Writes the factory into the table of its kind. Chooses nothing.
   * The same config from the same module again does nothing.
   * @throws PluginError phase `register`: unknown type, wrong `newFunc`, a name that is taken.
   */
  init(config: PluginConfig): void;
  /**
   * Opens the module at `path` and gives its one config. Changes nothing yet.
   * @throws PluginError that names the phase, the problem and the cure; also when there are several
   *   configs (use `loadAll`).
   */
  load(path: string, options?: LoadOptions): Promise<PluginConfig>;
  /** As `load`, for a module whose `Plugin` may be a list. */
  loadAll(path: string, options?: LoadOptions): Promise<readonly PluginConfig[]>;
  /**
   * Bundles `source` into one file that works from any folder: `path` with one `.mjs` or `.so` stripped,
   * plus `.mjs` and `.mjs.map`. Makes the folder. The files appear complete or not at all. The result is loaded
   * once, in a thread of its own, so what can't be loaded is never written.
   * @throws PluginError phase `build`, with esbuild's own messages; phase `resolve` for the source.
   */
  build(path: string, source: PluginSource, options?: BuildOptions): Promise<BuildResult>;
  /**
   * Writes a readable module to `path` that imports `source.path` and exports `Plugin`. Runs nothing.
   * @throws PluginError phase `build`; phase `resolve` for the source.
   */
  generate(path: string, source: PluginSource, options?: BuildOptions): Promise<void>;
}

/** What a plugin module exports as `Plugin` (or as its default). */
export type PluginConfig<K extends Kind = Kind> = {
  [Each in K]: {
    /** Key in the table, the word after `--broker=`: `^[a-z][a-z0-9-]*$`. */
    name: string;
    /** The kind. It makes the compiler demand the right `newFunc`. */
    type: Each;
    /** Where the implementation can be imported from. For people and `build`; loading doesn't need it. */
    path?: string;
    newFunc: Factory<Each>;
    /** Version(s) of the kind's interface that `newFunc` implements. @default 1 */
    api?: number | readonly number[];
    /** Replace an implementation of the same name instead of failing. @default false */
    override?: boolean;
    /**
     * What `newFunc` speaks, for a client or server that can stand beside the default one: a service whose client or
     * server was not chosen speaks this as well. A server's must have `share`.
     */
    wire?: WireOf<Each>;
    /** Join the framework's flags; a given one reaches `newFunc` as `options[option]`. */
    flags?: readonly PluginFlag[];
  };
}[K];

type WireOf<K extends Kind> = K extends "client" ? ClientWire : K extends "server" ? Wire : never;

export interface PluginFlag extends Flag {
  /** Member of the factory's options that gets the value. */
  readonly option: string;
}

/** What to build a plugin from. A source that exports `Plugin` needs only `path`; other fields override its own. */
export interface PluginSource {
  /** Package name, or path of a source file (TypeScript too). */
  path: string;
  name?: string;
  type?: string;
  /** Name of the exported factory. */
  newFunc?: string;
}

export interface LoadOptions {
  /** Folder from which package names are resolved. @default the application's root */
  root?: string;
  /** Limit of the import, in milliseconds. @default 30_000, or `MICRO_PLUGIN_TIMEOUT` */
  timeoutMs?: number;
}

export interface BuildOptions {
  /** Folder from which package names are resolved. @default the application's root */
  root?: string;
}

export interface BuildResult {
  /** The built file, absolute. */
  path: string;
  /** Length of the built file. */
  bytes: number;
  /** esbuild's warnings, formatted. */
  warnings: string[];
}
