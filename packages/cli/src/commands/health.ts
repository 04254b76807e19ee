import { MicroError, type Service, serviceUnavailable } from "ts-micro";
import type { Node } from "ts-micro/registry";
import { type Command, jsonFlag } from "../command.ts";
import { lookUp } from "../look-up.ts";
import { printJson, printTable } from "../print.ts";

interface Health {
  node: string;
  address: string;
  /** `ok`, as the node says it, or why there is no answer. */
  status: string;
}

export const health: Command = {
  name: "health",
  args: ["service"],
  summary: "Ask each node of a service how it is; fails unless all are ok",
  flags: [jsonFlag],
  async run({ args: [name = ""], flags, service }) {
    const nodes = (await lookUp(service, name)).flatMap((record) => record.nodes);
    const answers = await Promise.all(nodes.map((node) => ask(service, name, node)));
    if (flags.has("json")) printJson(answers);
    else {
      printTable(
        ["NODE", "ADDRESS", "STATUS"],
        answers.map(({ node, address, status }) => [node, address, status]),
      );
    }
    const ill = answers.filter(({ status }) => status !== "ok").length;
    if (ill > 0) throw serviceUnavailable("micro", `${ill} of ${answers.length} nodes of ${name} are not ok`);
  },
};

async function ask(service: Service, name: string, { id, address }: Node): Promise<Health> {
  try {
    const answer = await service.client.call<{ status?: string }>({
      service: name,
      endpoint: "Debug.Health",
      body: {},
      // Not by its address: a node that speaks another protocol is then told as such.
      filters: [
        (services) =>
          services.map((each) => ({ ...each, nodes: each.nodes.filter((node) => node.id === id) })),
      ],
      retries: 0,
    });
    return { node: id, address, status: answer?.status ?? "no status in the answer" };
  } catch (error) {
    return { node: id, address, status: MicroError.from(error).message };
  }
}
