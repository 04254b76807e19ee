/**
 * The command line: finds the command, lets the framework read the flags, runs the command.
 */
import { newService, UsageError } from "ts-micro";
import { type Command, usageOf } from "./command.ts";
import { commands } from "./commands.ts";

/**
 * Never rejects: what went wrong is one line on stderr, and the exit code of the process is set, to 1 (it failed)
 * or 2 (wrong usage).
 */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const command = commandOf(argv);
  if (command === undefined) return withoutCommand(argv);
  const service = newService({
    name: `micro ${command.name}`,
    usage: usageOf(command),
    flags: command.flags,
    argv: argv.slice(command.name.split(" ").length),
    root: process.cwd(),
  });
  await service.run(() => {
    checkArguments(command, service.args);
    return command.run({ args: service.args, flags: service.flags, service });
  });
}

function commandOf(argv: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.split(" ").every((word, index) => argv[index] === word));
}

function withoutCommand(argv: readonly string[]): void {
  if (argv.some((argument) => /^--?(h|help)$/.test(argument))) {
    process.stdout.write(overview());
    return;
  }
  const given = argv[0] === "plugin" ? argv.slice(0, 2).join(" ") : argv[0];
  const problem = given === undefined ? "no command was given" : `there is no command "${given}"`;
  process.stderr.write(`micro: ${problem}; micro --help lists them\n`);
  process.exitCode = 2;
}

function overview(): string {
  const rows = commands.map((command) => [usageOf(command), command.summary] as const);
  const width = Math.max(...rows.map(([usage]) => usage.length));
  return [
    "NAME:",
    "   micro - build and inspect plugins, call services, list and describe what runs",
    "",
    "COMMANDS:",
    ...rows.map(([usage, summary]) => `   ${usage.padEnd(width)}  ${summary}`),
    "",
    "Each command takes --help, the framework's flags (--registry, --client, --plugin...) and its MICRO_ variables.",
    "",
  ].join("\n");
}

/** @throws UsageError naming what is missing or too much */
function checkArguments(command: Command, args: readonly string[]): void {
  const missing = command.args.slice(args.length).find((name) => !name.startsWith("["));
  const surplus = args[command.args.length];
  if (missing === undefined && surplus === undefined) return;
  const problem = missing === undefined ? `"${surplus}" is one argument too many` : `<${missing}> is missing`;
  throw new UsageError(`${problem}; usage: ${usageOf(command)}`);
}
