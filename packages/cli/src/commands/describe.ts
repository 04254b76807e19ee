import type { Endpoint, Service, Value } from "ts-micro/registry";
import { type Command, jsonFlag } from "../command.ts";
import { lookUp } from "../look-up.ts";
import { printJson, printLine, printTable } from "../print.ts";

export const describe: Command = {
  name: "describe",
  // go-micro: `micro get service greeter`.
  elsewhere: "get",
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
  else printTable(["ENDPOINT", "METADATA"], endpoints.map(endpointRow));
  printLine("");
  for (const endpoint of endpoints) printShapes(endpoint);
}

/** What the endpoint takes and gives, if its service has told: the endpoints of schemas do. */
function printShapes({ name, request, response }: Endpoint): void {
  if (request === null && response === null) return;
  printLine(name);
  for (const [title, shape] of [
    ["request", request],
    ["response", response],
  ] as const) {
    if (shape === null) continue;
    printLine(`  ${title.padEnd(8)}  ${shape.type}`);
    for (const line of fieldLines(shape.values, "    ")) printLine(line);
  }
  printLine("");
}

/** go-micro gives maps no type name. */
function fieldLines(fields: readonly Value[], indent: string): string[] {
  const width = Math.max(0, ...fields.map(({ name }) => name.length));
  return fields.flatMap(({ name, type, values }) => [
    `${indent}${name.padEnd(width)}  ${type === "" ? "map" : type}`,
    ...fieldLines(values, `${indent}  `),
  ]);
}

function endpointRow({ name, metadata }: Endpoint): string[] {
  return [name, pairs(metadata)];
}

function pairs(metadata: Readonly<Record<string, string>>): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",");
}
