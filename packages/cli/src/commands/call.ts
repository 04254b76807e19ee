import { type Metadata, MicroError, newMetadata, type Service, UsageError } from "ts-micro";
import type { StreamRequest } from "ts-micro/client";
import { type Command, jsonFlag } from "../command.ts";
import { lookUp } from "../look-up.ts";
import { printJson } from "../print.ts";

export const call: Command = {
  name: "call",
  args: ["service", "endpoint", "[json]"],
  summary: "Call an endpoint and print its answer; without a body, {} is sent",
  flags: [
    jsonFlag,
    { name: "metadata", type: "pairs", usage: "Sent beside the body, such as Tenant=a. Repeatable", env: "" },
    { name: "timeout", type: "duration", usage: "Limit of the whole call, such as 500ms, 1m", env: "" },
    {
      name: "stream",
      type: "bool",
      usage: "Print each answer of a stream, one a line. Default: if the registry says that it is one",
      env: "",
    },
    { name: "address", type: "list", usage: "Call these host:ports and ask no registry", env: "" },
  ],
  async run({ args: [name = "", endpoint = "", text = "{}"], flags, service }) {
    const timeoutMs = flags.get("timeout") as number | undefined;
    const body = parseBody(text);
    const request = {
      service: name,
      endpoint,
      metadata: checkedMetadata(flags.get("metadata") as Metadata | undefined),
      addresses: (flags.get("address") ?? []) as readonly string[],
      ...(timeoutMs !== undefined && { timeoutMs }),
    };
    const streams = flags.get("stream") ?? (await isStream(service, request));
    try {
      if (streams) await printStream(service, request, body);
      else print(await service.client.call({ ...request, body }), flags.has("json"));
    } catch (error) {
      throw withHint(error, name);
    }
  },
};

/** The framework's `pairs` take a key alone, as go-micro's do; here it would send an empty text that nobody meant. */
function checkedMetadata(given: Metadata = {}): Metadata {
  const bare = Object.keys(given).find((key) => given[key] === "");
  if (bare === undefined) return newMetadata(given);
  throw new UsageError(`--metadata: "${bare}" has no value; write it like --metadata=Tenant=acme`);
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`the body must be JSON, such as '{"name":"John"}': ${(error as Error).message}`);
  }
}

async function isStream(service: Service, request: StreamRequest): Promise<boolean> {
  if (request.addresses?.length) return false;
  const records = await lookUp(service, request.service);
  return records
    .flatMap(({ endpoints }) => endpoints)
    .some(({ name, metadata }) => name === request.endpoint && metadata.stream === "true");
}

/** Sends one request and ends the sending side. Answers are printed as they come. */
async function printStream({ client }: Service, request: StreamRequest, body: unknown): Promise<void> {
  await using stream = await client.stream(request);
  await stream.send(body);
  await stream.end();
  for await (const answer of stream) printJson(answer);
}

function print(answer: unknown, onOneLine: boolean): void {
  printJson(answer, onOneLine ? undefined : 2);
}

/**
 * An endpoint that isn't there, or is no endpoint's name, is told by the server in go-micro's words, which don't
 * say what to do.
 */
function withHint(error: unknown, name: string): unknown {
  if (!MicroError.is(error)) return error;
  const { id, code, detail } = error;
  const [, hint] = hints.find(([words]) => detail.startsWith(words)) ?? [];
  if (hint === undefined) return error;
  return new MicroError({
    id,
    code,
    detail: `${detail}; ${hint}micro describe ${name} lists the endpoints`,
    cause: error,
  });
}

const hints = [
  ["rpc: can't find ", ""],
  ["rpc: service/endpoint request ill-formed", "write it like Greeter.Hello; "],
] as const;
