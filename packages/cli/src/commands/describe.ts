import type { Service, Value } from "ts-micro/registry";
import { type Command, jsonFlag } from "../command.ts";
import { lookUp } from "../look-up.ts";
import { printJson, printLine, printTable } from "../print.ts";

export const describe: Command = {
  name: "describe",
  args: ["service"],
  summary: "Show the versions, nodes and endpoints of a service",
  flags: [jsonFlag],
  async run({ args: [name = ""], flags, service }) {
    const records = await lookUp(service, name);
    if (flags.has("json")) printJson(records);
    else for (const record of records) printRecord(record);
  },
};

function printRecord({ name, version, nodes, endpoints }: Service): void {
  printLine(`service  ${name}`);
  printLine(`version  ${version}`);
  printLine("");
  printTable(
    ["NODE", "ADDRESS", "METADATA"],
    nodes.map(({ id, address, metadata }) => [id, address, pairs(metadata)]),
  );
  printLine("");
  if (endpoints.length === 0) printLine("It has no endpoints.");
  else {
    printTable(
      ["ENDPOINT", "REQUEST", "RESPONSE", "METADATA"],
      endpoints.map(({ name, request, response, metadata }) => [
        name,
        typeText(request),
        typeText(response),
        pairs(metadata),
      ]),
    );
  }
  printLine("");
}

/** `Person{name string, home Address{city string}}` */
function typeText(value: Value | null): string {
  if (value === null) return "";
  const fields = value.values.map((field) => `${field.name} ${typeText(field)}`);
  return fields.length === 0 ? value.type : `${value.type}{${fields.join(", ")}}`;
}

function pairs(metadata: Readonly<Record<string, string>>): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}
