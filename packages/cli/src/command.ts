import type { Service } from "ts-micro";
import type { Flag, FlagValue } from "ts-micro/cmd";

/** One command of `micro`, as data: `--help` and the check of the command line are made from it. */
export interface Command {
  /** One or two words: `plugin build`. */
  readonly name: string;
  /** A word that other tools have for it, for the hint to who types that. */
  readonly elsewhere?: string;
  /** Names of the arguments in their order. `[name]` may be left out. */
  readonly args: readonly string[];
  /** One line for `--help`. */
  readonly summary: string;
  /** Beside the framework's own, which every command has. */
  readonly flags: readonly Flag[];
  /** For a command that serves: the service that it is while it runs. */
  readonly serves?: Served;
  /** @throws whatever went wrong; UsageError when the command line was. */
  run(call: CommandCall): Promise<void>;
}

export interface Served {
  /** Its name in the registry. */
  readonly name: string;
  /** Where it listens unless `--server_address` says otherwise. */
  readonly address: string;
  /** Adds its handlers; nothing is loaded or read yet. */
  prepare(service: Service): Promise<void>;
  /** Before it listens. What this throws ends the command. */
  beforeStart(service: Service): Promise<void>;
}

/** A command that was really given. */
export interface CommandCall {
  /** As many as `args` demands. */
  readonly args: readonly string[];
  /** The flags of the command that were given, by name. */
  readonly flags: ReadonlyMap<string, FlagValue>;
  /** Initialised: plugins are loaded, the framework's flags are applied. */
  readonly service: Service;
  /** Aborts when the command is asked to end. */
  readonly signal: AbortSignal;
}

export const jsonFlag: Flag = { name: "json", type: "bool", usage: "Print JSON, on one line", env: "" };

export function usageOf({ name, args }: Command): string {
  const shown = args.map((arg) => (arg.startsWith("[") ? arg : `<${arg}>`));
  return ["micro", name, ...shown, "[options]"].join(" ");
}
