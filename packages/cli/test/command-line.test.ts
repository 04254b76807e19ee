/** Help, wrong usage, exit codes: what all commands have in common. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { frameworkFlags } from "ts-micro/cmd";
import { type Command, usageOf } from "../src/command.ts";
import { commands } from "../src/commands.ts";
import { micro } from "./micro.ts";

test("--help, -h and help list every command", async () => {
  for (const argument of ["--help", "-h", "help"]) {
    const { code, stdout, stderr } = await micro([argument]);
    assert.deepEqual([code, stderr], [0, ""]);
    for (const command of commands) {
      assert.ok(stdout.includes(`   ${usageOf(command)} `) && stdout.includes(command.summary), stdout);
    }
  }
});

test("--version and -v print the package's", async () => {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const line = `micro ${JSON.parse(manifest).version}\n`;
  for (const argument of ["--version", "-v"])
    assert.deepEqual(await micro([argument]), { code: 0, stdout: line, stderr: "" });
});

test("help of a command is its --help", async () => {
  assert.deepEqual(await micro(["help", "plugin", "build"]), await micro(["plugin", "build", "--help"]));
});

/** The command line with as many arguments as it needs. */
function wordsOf({ name, args }: Command): string[] {
  return [...name.split(" "), ...args.filter((arg) => !arg.startsWith("[")).map((arg) => `some-${arg}`)];
}

describe("every command", { concurrency: 2 }, () => {
  for (const command of commands) {
    const words = wordsOf(command);

    test(`${command.name}: --help shows its flags and the framework's`, async () => {
      const { code, stdout, stderr } = await micro([...words, "--help"]);
      assert.deepEqual([code, stderr], [0, ""]);
      assert.ok(stdout.includes(`   micro ${command.name} - ${command.summary}\n`), stdout);
      assert.ok(stdout.includes(`   ${usageOf(command)}\n`), stdout);
      for (const flag of [...command.flags, ...frameworkFlags]) {
        assert.match(stdout, new RegExp(`^   --${flag.name}(,| )`, "m"));
      }
    });

    test(`${command.name}: wrong usage is one line on stderr and exit code 2`, async () => {
      const surplus = [...words, ...command.args.filter((arg) => arg.startsWith("[")), "more"];
      const cases: [string[], RegExp][] = [
        [[...words, "--jso"], /unknown flag --jso; did you mean --json\?/],
        [[...words, "--client_retries=x"], /--client_retries: "x" is not a whole number/],
        [surplus, /"more" is one argument too many; usage: micro /],
      ];
      if (command.args.length > 0) {
        cases.push([words.slice(0, -1), /<[a-z-]+> is missing; usage: micro /]);
      }
      for (const [argv, problem] of cases) {
        const { code, stdout, stderr } = await micro(argv);
        assert.deepEqual([code, stdout], [2, ""], stderr);
        assert.match(stderr, new RegExp(`^micro ${command.name}: [^\n]*\n$`));
        assert.match(stderr, problem);
      }
    });

    test(`${command.name}: part names and plugins that can't be had are one line and exit code 1`, async () => {
      const unknown = await micro([...words, "--registry=zookeper"]);
      const missing = await micro(words, { env: { MICRO_PLUGIN: "./missing.mjs" } });
      assert.match(
        unknown.stderr,
        new RegExp(`^micro ${command.name}: Registry zookeper not found[^\n]*\n$`),
      );
      assert.match(
        missing.stderr,
        new RegExp(`^micro ${command.name}: no such file: .*missing.mjs[^\n]*\n$`),
      );
      for (const { code, stdout } of [unknown, missing]) assert.deepEqual([code, stdout], [1, ""]);
    });
  }
});

test("without a command that exists: what is meant, and exit code 2", async () => {
  const cases: [string[], string][] = [
    [[], "no command was given"],
    [["servces"], 'there is no command "servces", did you mean "services"?'],
    [["list"], 'there is no command "list", did you mean "services"?'],
    [["list", "services"], 'there is no command "list", did you mean "services"?'],
    [["get", "service", "greeter"], 'there is no command "get", did you mean "describe"?'],
    [["run"], 'there is no command "run"'],
    [["plugin"], '"plugin" is not all of a command: plugin build, plugin generate, plugin inspect'],
    [["plugin", "bild"], 'there is no command "plugin bild", did you mean "plugin build"?'],
    [["plugin", "run"], 'there is no command "plugin run"'],
    [
      ["--registry=memory", "services"],
      "the command comes before its flags: micro <command> --registry=memory",
    ],
  ];
  for (const [argv, problem] of cases) {
    assert.deepEqual(await micro(argv), {
      code: 2,
      stdout: "",
      stderr: `micro: ${problem}; micro --help lists the commands\n`,
    });
  }
});

test("a body that is no JSON is wrong usage", async () => {
  const { code, stdout, stderr } = await micro(["call", "greeter", "Greeter.Hello", "{name}"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^micro call: the body must be JSON, such as '\{"name":"John"\}': [^\n]+\n$/);
});

test("metadata without a value is wrong usage", async () => {
  assert.deepEqual(await micro(["call", "greeter", "Greeter.Hello", "--metadata", "foo"]), {
    code: 2,
    stdout: "",
    stderr: 'micro call: --metadata: "foo" has no value; write it like --metadata=Tenant=acme\n',
  });
});

test("the stack is shown only with MICRO_LOG_LEVEL=debug", async () => {
  const args = ["plugin", "inspect", "./missing.mjs"];
  assert.doesNotMatch((await micro(args)).stderr, /\n +at /);
  assert.match((await micro(args, { env: { MICRO_LOG_LEVEL: "debug" } })).stderr, /\n +at /);
});
