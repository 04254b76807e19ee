/**
 * The text of a flag becomes a value.
 */
import { parseDuration } from "../duration.ts";
import { UsageError } from "../errors.ts";
import type { Flag, FlagType } from "./flags.ts";

export type FlagValue = string | number | boolean | readonly string[] | Readonly<Record<string, string>>;

/** Where a text came from: `--broker` or `MICRO_BROKER`. */
export interface Source {
  readonly name: string;
  readonly isVariable: boolean;
}

/**
 * Reads all texts of one flag; only `list` and `pairs` look at more than the last, as Go's flags do.
 * @throws UsageError that names the flag or variable, the text, and the form expected.
 */
export function readValue(flag: Flag, texts: readonly string[], source: Source): FlagValue {
  const last = texts.at(-1) ?? "";
  switch (flag.type) {
    case "list":
      return texts.flatMap(splitList);
    case "pairs":
      return Object.fromEntries((source.isVariable ? texts.flatMap(splitList) : texts).map(splitPair));
    case "string":
      return last;
    default: {
      const value = readers[flag.type](last.trim());
      if (value === undefined) {
        const [form, example] = forms[flag.type];
        throw new UsageError(
          `${source.name}: "${last}" is not ${form}; write it like ${source.name}=${example}`,
        );
      }
      return value;
    }
  }
}

/** The elements of a comma-separated text, trimmed, without the empty ones. */
export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((element) => element.trim())
    .filter((element) => element !== "");
}

/** Splits at the first `=`, so that a value may hold more of them. */
function splitPair(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

type ScalarType = Exclude<FlagType, "list" | "pairs" | "string">;

const readers: Record<ScalarType, (text: string) => number | boolean | undefined> = {
  int: readInt,
  duration: readDuration,
  seconds: (text) => (/^\d+$/.test(text) ? Number(text) * 1_000 : readDuration(text)),
  bool: (text) => (trueTexts.has(text) ? true : falseTexts.has(text) ? false : undefined),
};

const forms: Record<ScalarType, readonly [form: string, example: string]> = {
  int: ["a whole number from 0 on", "3"],
  duration: ["a duration such as 500ms, 5s or 1m30s", "5s"],
  seconds: ["a number of seconds or a duration such as 1m30s", "30"],
  bool: ["true or false", "true"],
};

// What Go's strconv.ParseBool takes.
const trueTexts = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const falseTexts = new Set(["0", "f", "F", "false", "FALSE", "False"]);

function readInt(text: string): number | undefined {
  const value = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(value) ? value : undefined;
}

function readDuration(text: string): number | undefined {
  const ms = parseDuration(text);
  return ms !== undefined && ms >= 0 && Number.isFinite(ms) ? ms : undefined;
}
