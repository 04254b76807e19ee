import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { choiceFlags, frameworkFlags, settingFlags, variableOf } from "../../src/cmd/flags.ts";
import { kindNames } from "../../src/kinds.ts";

/** go-micro v2.9.1's flags of the seven kinds (`config/cmd/cmd.go`), without those of kinds that don't exist here. */
const goMicroFlags = [
  "client",
  "client_request_timeout",
  "client_retries",
  "client_pool_size",
  "client_pool_ttl",
  "register_ttl",
  "register_interval",
  "server",
  "server_name",
  "server_version",
  "server_id",
  "server_address",
  "server_advertise",
  "server_metadata",
  "broker",
  "broker_address",
  "registry",
  "registry_address",
  "selector",
  "transport",
  "transport_address",
  "store",
  "store_address",
  "store_database",
  "store_table",
];

test("all of go-micro's flags are there, and no others but --plugin and --help", () => {
  const names = frameworkFlags.map(({ name }) => name);
  assert.deepEqual(names.toSorted(), [...goMicroFlags, "plugin", "help"].toSorted());
});

test("variables are named as go-micro's", () => {
  for (const flag of frameworkFlags) {
    const expected = flag.name === "help" ? undefined : `MICRO_${flag.name.toUpperCase()}`;
    assert.equal(variableOf(flag), expected);
  }
});

test("every kind can be chosen", () => {
  assert.deepEqual(choiceFlags.map(({ name }) => name).toSorted(), kindNames.toSorted());
});

test("docs/flags.md lists the same flags", () => {
  const rows = readFileSync(join(repository(), "docs/flags.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `--"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const expected = frameworkFlags.map((flag) => {
    const variable = variableOf(flag);
    const setting = settingFlags.find(({ name }) => name === flag.name);
    const sets = setting === undefined ? "" : `${setting.kind} \`${setting.option}\``;
    return [
      `\`--${flag.name}\``,
      variable === undefined ? "" : `\`${variable}\``,
      flag.type,
      flag.usage,
      sets,
    ];
  });
  assert.deepEqual(rows, expected);
});

function repository(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "docs/flags.md"))) folder = dirname(folder);
  return folder;
}
