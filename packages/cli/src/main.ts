/**
 * The command line: finds the command, lets the framework read the flags, runs the command.
 */
import { readFileSync } from "node:fs";
import { newLogger, newService, type Service, UsageError } from "ts-micro";
import { didYouMean } from "ts-micro/cmd";
import { type Command, usageOf } from "./command.ts";
import { commands } from "./commands.ts";

/**
 * Never rejects: what went wrong is one line on stderr, and the exit code of the process is set, to 1 (it failed)
 * or 2 (wrong usage).
 */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const command = commandOf(argv);
  if (command === undefined) return withoutCommand(argv);
  const { serves } = command;
  const service: Service = newService({
    name: serves?.name ?? `micro ${command.name}`,
    commandName: `micro ${command.name}`,
    ...(serves !== undefined && {
      address: serves.address,
      beforeStart: [() => serves.beforeStart(service)],
    }),
    description: command.summary,
    usage: usageOf(command),
    flags: command.flags,
    argv: argv.slice(command.name.split(" ").length),
    root: process.cwd(),
    // That a service starts and stops is no news to somebody who ran a command.
    logger: newLogger({ level: process.env.MICRO_LOG_LEVEL ?? "warn" }),
  });
  await serves?.prepare(service);
  await service.run((signal) => {
    checkArguments(command, service.args);
    return command.run({ args: service.args, flags: service.flags, service, signal });
  });
}

function commandOf(argv: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.split(" ").every((word, index) => argv[index] === word));
}

function withoutCommand(argv: readonly string[]): Promise<void> | void {
  const [first, ...others] = argv;
  if (first === "help" && others.length > 0) return runCommandLine([...others, "--help"]);
  if (first === "help" || argv.some((argument) => /^--?(h|help)$/.test(argument))) {
    process.stdout.write(overview());
  } else if (argv.some((argument) => /^--?(v|version)$/.test(argument))) {
    process.stdout.write(`micro ${version()}\n`);
  } else {
    process.stderr.write(`micro: ${problemOf(argv)}; micro --help lists the commands\n`);
    process.exitCode = 2;
  }
}

function problemOf(argv: readonly string[]): string {
  const [first, second] = argv;
  if (first === undefined) return "no command was given";
  if (first.startsWith("-")) return `the command comes before its flags: micro <command> ${first}`;
  const names = commands.map(({ name }) => name);
  const below = names.filter((name) => name.startsWith(`${first} `));
  if (below.length > 0 && second === undefined)
    return `"${first}" is not all of a command: ${below.join(", ")}`;
  const given = below.length > 0 ? `${first} ${second}` : first;
  const near =
    didYouMean(`${first} ${second}`, names) ??
    didYouMean(first, names) ??
    commands.find(({ elsewhere }) => elsewhere === first)?.name;
  return `there is no command "${given}"${near === undefined ? "" : `, did you mean "${near}"?`}`;
}

function overview(): string {
  const rows = commands.map((command) => [usageOf(command), command.summary] as const);
  const width = Math.max(...rows.map(([usage]) => usage.length));
  return [
    "NAME:",
    "   micro - build and inspect plugins, call services, list and describe what runs, offer a broker or a registry",
    "",
    "COMMANDS:",
    ...rows.map(([usage, summary]) => `   ${usage.padEnd(width)}  ${summary}`),
    "",
    "OPTIONS:",
    "   --help, -h     Show this help",
    "   --version, -v  Show the version",
    "",
    "Each command takes --help, the framework's flags (--registry, --client, --plugin...) and its MICRO_ variables.",
    "",
  ].join("\n");
}

function version(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** @throws UsageError naming what is missing or too much */
function checkArguments(command: Command, args: readonly string[]): void {
  const missing = command.args.slice(args.length).find((name) => !name.startsWith("["));
  const surplus = args[command.args.length];
  if (missing === undefined && surplus === undefined) return;
  const problem = missing === undefined ? `"${surplus}" is one argument too many` : `<${missing}> is missing`;
  throw new UsageError(`${problem}; usage: ${usageOf(command)}`);
}
