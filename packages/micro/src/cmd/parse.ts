/**
 * Reads flags from arguments and variables: `--name value`, `--name=value`, `-name value`, and `--` ends them.
 *
 * A flag wins over its variable. What was given by neither isn't in the result, so that code keeps its say.
 */
import { UsageError } from "../errors.ts";
import { didYouMean } from "../shape.ts";
import { type FlagValue, readValue, type Source } from "./flag-value.ts";
import { type Flag, variableOf } from "./flags.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** One flag that was really given. */
export interface Given {
  readonly flag: Flag;
  readonly value: FlagValue;
  readonly source: Source;
}

export interface Parsed {
  /** By the flag's name. */
  readonly given: ReadonlyMap<string, Given>;
  /** What isn't ours, in its order: other words, unknown flags if they are ignored, all behind `--`. */
  readonly args: readonly string[];
  /** `--help` or `-h` was there. Then nothing else was looked at. */
  readonly help: boolean;
}

export interface ParseOptions {
  readonly flags: readonly Flag[];
  /** Without the names of Node and the script. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** @default "error" */
  readonly unknownFlags?: "error" | "ignore";
}

/** @throws UsageError for an unknown flag, a flag without its value, and a value of the wrong form. */
export function parseFlags(options: ParseOptions): Parsed {
  const { flags, argv, env, unknownFlags = "error" } = options;
  const byName = new Map(flags.map((flag) => [flag.name, flag]));
  const tokens = [...tokenize(argv, byName)];
  if (tokens.some(({ flag, text }) => flag?.name === "help" && text !== "false")) {
    return { given: new Map(), args: [], help: true };
  }

  const texts = new Map<string, string[]>();
  const args: string[] = [];
  for (const token of tokens) {
    if (token.flag !== undefined) {
      if (token.text === undefined) throw new UsageError(missingValue(token.flag));
      texts.set(token.flag.name, [...(texts.get(token.flag.name) ?? []), token.text]);
    } else if (token.name === undefined || unknownFlags === "ignore") {
      args.push(token.argument);
    } else {
      throw new UsageError(unknownFlag(token.name, byName.keys()));
    }
  }

  const given = new Map<string, Given>();
  for (const flag of flags) {
    const one = fromArguments(flag, texts.get(flag.name)) ?? fromVariable(flag, env);
    if (one !== undefined) given.set(flag.name, one);
  }
  return { given, args, help: false };
}

/**
 * The values of the flags called `name`, understanding nothing else. For what has to be known before all
 * flags are.
 */
export function scanFlag(flag: Flag, argv: readonly string[]): string[] {
  const texts: string[] = [];
  for (const token of tokenize(argv, new Map([[flag.name, flag]]))) {
    if (token.flag === flag && token.text !== undefined) texts.push(token.text);
  }
  return texts;
}

interface Token {
  /** As it was written. */
  readonly argument: string;
  /** Set when the argument has the form of a flag. */
  readonly name?: string;
  /** Set when the flag is known. */
  readonly flag?: Flag;
  /** The known flag's value; `undefined` when there was none. */
  readonly text?: string | undefined;
}

function* tokenize(argv: readonly string[], known: ReadonlyMap<string, Flag>): Generator<Token> {
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    if (argument === "--") {
      for (const rest of argv.slice(index + 1)) yield { argument: rest };
      return;
    }
    const match = /^--?([A-Za-z][^=]*)(?:=(.*))?$/s.exec(argument);
    if (match === null) {
      yield { argument };
      continue;
    }
    const name = match[1] ?? "";
    const flag = known.get(name === "h" ? "help" : name);
    let text = match[2];
    if (flag !== undefined && text === undefined) {
      const next = argv[index + 1];
      if (flag.type === "bool") text = "true";
      // Go takes the next argument whatever it is, and `--client --server=x` then asks for a strange client.
      else if (next !== undefined && !/^--?[A-Za-z]|^--$/.test(next)) {
        text = next;
        index++;
      }
    }
    yield flag === undefined ? { argument, name } : { argument, name, flag, text };
  }
}

function fromArguments(flag: Flag, texts: readonly string[] | undefined): Given | undefined {
  if (texts === undefined) return undefined;
  const source = { name: `--${flag.name}`, isVariable: false };
  return { flag, value: readValue(flag, texts, source), source };
}

/** An empty variable is an empty text for a `string` and nothing for the others, as in go-micro. */
function fromVariable(flag: Flag, env: Environment): Given | undefined {
  const name = variableOf(flag);
  const text = name === undefined ? undefined : env[name];
  if (name === undefined || text === undefined) return undefined;
  if (text.trim() === "" && flag.type !== "string") return undefined;
  const source = { name, isVariable: true };
  return { flag, value: readValue(flag, [text], source), source };
}

function missingValue(flag: Flag): string {
  return `--${flag.name} needs a value: --${flag.name}=<value>`;
}

function unknownFlag(name: string, known: Iterable<string>): string {
  const near = didYouMean(name, known);
  if (near !== undefined) return `unknown flag --${name}; did you mean --${near}?`;
  if (goMicroOnly.test(name)) {
    return `unknown flag --${name}: go-micro has it, but ts-micro has no such kind of part yet`;
  }
  return `unknown flag --${name}; --help lists the flags, and what follows -- is left to the program`;
}

/** Flags of go-micro v2.9.1 whose kinds don't exist here. Their variables are ignored. */
const goMicroOnly = /^(auth|config|profile|runtime|tracer)(_[a-z_]+)?$/;
