import type { Endpoint, Service } from "ts-micro/registry";
import { type Command, jsonFlag } from "../command.ts";
import { findService } from "../find-service.ts";
import { printJson, printLine, printTable } from "../print.ts";

export const describe: Command = {
  name: "describe",
  args: ["service"],
  summary: "Show the versions, nodes and endpoints of a service",
  flags: [jsonFlag],
  async run({ args: [name = ""], flags, service }) {
    const records = await findService(service, name);
    if (flags.has("json")) return printJson(records);
    for (const record of records) printRecord(record);
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
  printTable(["ENDPOINT", "METADATA"], endpoints.map(endpointRow));
  printLine("");
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
