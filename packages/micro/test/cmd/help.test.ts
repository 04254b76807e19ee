import assert from "node:assert/strict";
import { test } from "node:test";
import type { Flag } from "../../src/cmd/flags.ts";
import { helpText, knownNames } from "../../src/cmd/help.ts";
import { frameworkFlags, tables } from "../../src/cmd/index.ts";

test("the help is what go-micro's looks like", (t) => {
  const before = { ...tables.client };
  t.after(() => {
    for (const key of Object.keys(tables.client)) delete tables.client[key];
    Object.assign(tables.client, before);
  });
  for (const key of Object.keys(tables.client)) delete tables.client[key];
  const factory = () => {
    throw new Error("help builds nothing");
  };
  Object.assign(tables.client, { xrpc: factory, mucp: factory, grpc: factory });
  const flags: Flag[] = [
    ...frameworkFlags.filter(({ name }) => /^(client|client_retries|broker_address|help)$/.test(name)),
    { name: "loud", type: "bool", usage: "Says more" },
  ];
  const [options, plugins] = helpText({ name: "greeter", flags }).split("\nPLUGINS:\n");
  assert.equal(
    options,
    `NAME:
   greeter - a ts-micro service

USAGE:
   greeter [options] [arguments...]

OPTIONS:
   --client value          Client for go-micro; mucp, xrpc, grpc  [$MICRO_CLIENT]
   --client_retries value  How often a failed call is tried again. Default: 1  [$MICRO_CLIENT_RETRIES]
   --broker_address value  Comma-separated list of broker addresses  [$MICRO_BROKER_ADDRESS]
   --help, -h              Show this help
   --loud                  Says more  [$MICRO_LOUD]
`,
  );
  assert.deepEqual(knownNames("client"), ["mucp", "xrpc", "grpc"]);
  assert.match(plugins ?? "", / client brpc; server brpc, grpc; .* broker kafka, mqtt, nats,/);
  const described = helpText({
    name: "greeter",
    description: "says hello",
    usage: "greeter <name>",
    flags: [],
  });
  assert.ok(described.startsWith("NAME:\n   greeter - says hello\n\nUSAGE:\n   greeter <name>\n"));
});
