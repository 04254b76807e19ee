/**
 * The text of `--help`, in the style of go-micro's: `--client value  Client for go-micro; mucp, grpc  [$MICRO_CLIENT]`.
 */
import { isKind, kindNames } from "../kinds.ts";
import { defaultNames, tables } from "./defaults.ts";
import { firstPartyNames } from "./first-party.ts";
import { type Flag, variableOf } from "./flags.ts";

export interface HelpOptions {
  /** What the program is called. */
  readonly name: string;
  /** What it is, in one line. @default "a ts-micro service" */
  readonly description?: string | undefined;
  /** @default `<name> [options] [arguments...]` */
  readonly usage?: string | undefined;
  readonly flags: readonly Flag[];
}

export function helpText(options: HelpOptions): string {
  const { name, description = "a ts-micro service", flags } = options;
  const { usage = `${name} [options] [arguments...]` } = options;
  const rows = flags.map((flag) => [nameColumn(flag), usageColumn(flag)] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    "NAME:",
    `   ${name} - ${description}`,
    "",
    "USAGE:",
    `   ${usage}`,
    "",
    "OPTIONS:",
    ...rows.map(([left, right]) => `   ${left.padEnd(width)}  ${right}`),
    "",
    "PLUGINS:",
    "   More are found by their name once their package is installed, such as @ts-micro/broker-nats for --broker=nats:",
    `   ${firstPartyText()}`,
    "",
  ].join("\n");
}

function nameColumn(flag: Flag): string {
  if (flag.name === "help") return "--help, -h";
  return flag.type === "bool" ? `--${flag.name}` : `--${flag.name} value`;
}

function usageColumn(flag: Flag): string {
  const names = isKind(flag.name) ? knownNames(flag.name) : [];
  const variable = variableOf(flag);
  return [
    flag.usage,
    names.length === 0 ? "" : `; ${names.join(", ")}`,
    variable === undefined ? "" : `  [$${variable}]`,
  ].join("");
}

/** Those that the tables don't have yet. */
function firstPartyText(): string {
  const kinds = kindNames.map((kind) => {
    const known = knownNames(kind);
    return [kind, firstPartyNames[kind].filter((name) => !known.includes(name)).join(", ")] as const;
  });
  return kinds.flatMap(([kind, names]) => (names === "" ? [] : `${kind} ${names}`)).join("; ");
}

/** The keys of a kind's table, the default first, then in the order in which they were written into it. */
export function knownNames(kind: keyof typeof tables): string[] {
  const names = Object.keys(tables[kind]);
  const first = defaultNames[kind];
  return names.includes(first) ? [first, ...names.filter((name) => name !== first)] : names;
}
