import assert from "node:assert/strict";
import { test } from "node:test";
import { type Flag, frameworkFlags } from "../../src/cmd/flags.ts";
import { parseFlags, scanFlag } from "../../src/cmd/parse.ts";
import { UsageError } from "../../src/errors.ts";

const verbose: Flag = { name: "verbose", type: "bool", usage: "Says more" };
const flags = [...frameworkFlags, verbose];

function parse(argv: string[], env: Record<string, string | undefined> = {}, unknownFlags?: "ignore") {
  const parsed = parseFlags({ flags, argv, env, ...(unknownFlags && { unknownFlags }) });
  const values = Object.fromEntries([...parsed.given].map(([name, { value }]) => [name, value]));
  return { values, args: parsed.args, help: parsed.help };
}

function usageError(argv: string[], env: Record<string, string> = {}): string {
  try {
    parse(argv, env);
  } catch (error) {
    assert.ok(UsageError.is(error), String(error));
    return error.message;
  }
  assert.fail(`${argv.join(" ")} was accepted`);
}

test("every form of a flag is read", () => {
  for (const argv of [
    ["--broker", "nats"],
    ["--broker=nats"],
    ["-broker", "nats"],
    ["-broker=nats"],
    ["--broker=memory", "--broker=nats"],
  ]) {
    assert.deepEqual(parse(argv).values, { broker: "nats" }, argv.join(" "));
  }
  assert.deepEqual(parse(["--server_name=a=b"]).values, { server_name: "a=b" });
  assert.deepEqual(parse(["--verbose", "word"]), { values: { verbose: true }, args: ["word"], help: false });
  assert.deepEqual(parse(["--verbose=false"]).values, { verbose: false });
});

test("what isn't ours stays in its order, and -- ends the flags", () => {
  assert.deepEqual(parse(["one", "--broker=nats", "-", "-5", "--", "--client", "x", "--"]), {
    values: { broker: "nats" },
    args: ["one", "-", "-5", "--client", "x", "--"],
    help: false,
  });
});

test("nothing is given that wasn't given", () => {
  assert.deepEqual(parse([]).values, {});
});

test("a flag wins over its variable", () => {
  const env = { MICRO_BROKER: "http", MICRO_CLIENT: "mucp", MICRO_CLIENT_RETRIES: "4" };
  assert.deepEqual(parse(["--broker=nats"], env).values, {
    broker: "nats",
    client: "mucp",
    client_retries: 4,
  });
});

test("an empty variable is an empty text, and nothing where a text makes no sense", () => {
  const env = {
    MICRO_BROKER: "",
    MICRO_CLIENT_RETRIES: "",
    MICRO_CLIENT_POOL_TTL: " ",
    MICRO_BROKER_ADDRESS: "",
  };
  assert.deepEqual(parse([], env).values, { broker: "" });
  assert.deepEqual(parse(["--broker="], { MICRO_BROKER: "nats" }).values, { broker: "" });
});

test("values have Go's forms", () => {
  assert.deepEqual(
    parse([
      "--client_request_timeout=500ms",
      "--client_pool_ttl=1m30s",
      "--register_ttl=45",
      "--register_interval=1m",
      "--client_retries=0",
      "--client_pool_size=12",
    ]).values,
    {
      client_request_timeout: 500,
      client_pool_ttl: 90_000,
      register_ttl: 45_000,
      register_interval: 60_000,
      client_retries: 0,
      client_pool_size: 12,
    },
  );
});

test("lists and pairs may be repeated", () => {
  assert.deepEqual(parse(["--broker_address", "a:1, b:2,,", "--broker_address=c:3"]).values, {
    broker_address: ["a:1", "b:2", "c:3"],
  });
  assert.deepEqual(
    parse(["--server_metadata=zone=a", "--server_metadata", "x=1,y=2=3", "--server_metadata=on"]).values,
    { server_metadata: { zone: "a", x: "1,y=2=3", on: "" } },
  );
  assert.deepEqual(parse([], { MICRO_SERVER_METADATA: "zone=a, rack=7" }).values, {
    server_metadata: { zone: "a", rack: "7" },
  });
  const [metadata] = Object.values(parse(["--server_metadata=__proto__=x"]).values);
  assert.deepEqual(Object.entries(metadata ?? {}), [["__proto__", "x"]]);
});

test("a bad value names the flag or the variable, the value and the form", () => {
  for (const [argv, env, message] of [
    [
      ["--client_retries=x"],
      {},
      '--client_retries: "x" is not a whole number from 0 on; write it like --client_retries=3',
    ],
    [
      ["--client_retries=-1"],
      {},
      '--client_retries: "-1" is not a whole number from 0 on; write it like --client_retries=3',
    ],
    [
      ["--client_retries="],
      {},
      '--client_retries: "" is not a whole number from 0 on; write it like --client_retries=3',
    ],
    [
      ["--client_request_timeout", "5"],
      {},
      '--client_request_timeout: "5" is not a duration such as 500ms, 5s or 1m30s; write it like --client_request_timeout=5s',
    ],
    [
      [],
      { MICRO_REGISTER_TTL: "soon" },
      'MICRO_REGISTER_TTL: "soon" is not a number of seconds or a duration such as 1m30s; write it like MICRO_REGISTER_TTL=30',
    ],
    [["--verbose=maybe"], {}, '--verbose: "maybe" is not true or false; write it like --verbose=true'],
  ] as const) {
    assert.equal(usageError([...argv], env), message);
  }
});

test("a flag without its value doesn't swallow the next flag", () => {
  assert.equal(usageError(["--client", "--server=mucp"]), "--client needs a value: --client=<value>");
  assert.equal(usageError(["--client"]), "--client needs a value: --client=<value>");
  assert.equal(usageError(["--client", "--", "x"]), "--client needs a value: --client=<value>");
  assert.deepEqual(parse(["--server_name=-x"]).values, { server_name: "-x" });
});

test("an unknown flag is an error with the near miss, or left to the program", () => {
  assert.equal(usageError(["--cleint=mucp"]), "unknown flag --cleint; did you mean --client?");
  assert.equal(
    usageError(["--client-retries=1"]),
    "unknown flag --client-retries; did you mean --client_retries?",
  );
  assert.match(usageError(["--greeting=hi"]), /^unknown flag --greeting; --help lists the flags/);
  assert.match(usageError(["--runtime=local"]), /^unknown flag --runtime: .* no such kind of part yet$/);
  assert.match(usageError(["--auth_id", "x"]), /^unknown flag --auth_id: .* no such kind of part yet$/);
  assert.deepEqual(parse(["--greeting", "hi", "--broker=nats", "-v"], {}, "ignore"), {
    values: { broker: "nats" },
    args: ["--greeting", "hi", "-v"],
    help: false,
  });
});

test("variables of kinds that don't exist are ignored", () => {
  assert.deepEqual(
    parse([], { MICRO_TRACER: "memory", MICRO_AUTH: "jwt", MICRO_RUNTIME: "local" }).values,
    {},
  );
});

test("--help comes before every complaint", () => {
  for (const argv of [
    ["--help"],
    ["-h"],
    ["-help"],
    ["--cleint=x", "--help"],
    ["--client_retries=x", "-h"],
  ]) {
    assert.equal(parse(argv, { MICRO_CLIENT_RETRIES: "x" }).help, true, argv.join(" "));
  }
  assert.equal(parse(["--", "--help"]).help, false);
  assert.equal(parse(["--help=false"]).help, false);
});

test("the first pass finds one flag and understands nothing else", () => {
  const plugin: Flag = { name: "plugin", type: "list", usage: "" };
  assert.deepEqual(
    scanFlag(plugin, [
      "--x",
      "--plugin=a",
      "y",
      "-plugin",
      "b",
      "--plugin",
      "--plugins=c",
      "--",
      "--plugin=d",
    ]),
    ["a", "b"],
  );
});
