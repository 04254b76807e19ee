import { type Command, jsonFlag } from "../command.ts";
import { printJson, printTable } from "../print.ts";

export const services: Command = {
  name: "services",
  // go-micro: `micro list services`.
  elsewhere: "list",
  args: [],
  summary: "List the services that the registry knows",
  flags: [jsonFlag],
  async run({ flags, service }) {
    const found = await service.registry.listServices();
    const rows = found.map(({ name, version }) => ({ name, version }));
    if (flags.has("json")) return printJson(rows);
    printTable(
      ["SERVICE", "VERSION"],
      rows.map(({ name, version }) => [name, version]),
    );
  },
};
