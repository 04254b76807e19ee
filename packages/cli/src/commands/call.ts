import { type Metadata, newMetadata, UsageError } from "ts-micro";
import { type Command, jsonFlag } from "../command.ts";
import { printJson, printLine } from "../print.ts";

export const call: Command = {
  name: "call",
  args: ["service", "endpoint", "[json]"],
  summary: "Call an endpoint and print its answer; without a body, {} is sent",
  flags: [
    jsonFlag,
    { name: "metadata", type: "pairs", usage: "Sent beside the body, such as Tenant=a. Repeatable", env: "" },
    { name: "address", type: "list", usage: "Call these host:ports and ask no registry", env: "" },
  ],
  async run({ args: [name = "", endpoint = "", text = "{}"], flags, service }) {
    const answer = await service.client.call({
      service: name,
      endpoint,
      body: parseBody(text),
      metadata: newMetadata(flags.get("metadata") as Metadata | undefined),
      addresses: (flags.get("address") ?? []) as readonly string[],
    });
    if (flags.has("json")) printJson(answer);
    else printLine(JSON.stringify(answer, undefined, 2) ?? "null");
  },
};

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`the body must be JSON, such as '{"name":"John"}': ${(error as Error).message}`);
  }
}
