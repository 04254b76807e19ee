import { type IncomingMessage, request } from "node:http";
import { serviceUnavailable } from "ts-micro";
import type { HttpAgent } from "ts-micro/transport";
import { EtcdError } from "./etcd-error.ts";

export interface PostOptions {
  readonly token: string | undefined;
  /** Ends the exchange at any moment; its reason is what is thrown. */
  readonly signal: AbortSignal;
}

/**
 * Posts to etcd's JSON gateway and resolves with the head of a successful answer.
 * @throws EtcdError when etcd refuses; MicroError 503 when it can't be reached; the reason of `signal`
 */
export async function post(
  agent: HttpAgent,
  method: string,
  body: object,
  { token, signal }: PostOptions,
): Promise<IncomingMessage> {
  const { address } = agent;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    signal.throwIfAborted();
    const asked = request(
      {
        agent,
        signal,
        method: "POST",
        path: `/v3/${method}`,
        headers: { host: address, ...(token !== undefined && { authorization: token }) },
      },
      resolve,
    );
    asked.on("error", (error) => reject(signal.aborted ? signal.reason : unreachable(address, error)));
    asked.end(JSON.stringify(body));
  });
  if (response.statusCode === 200) return response;
  const text = await textOf(response, agent, signal);
  throw (
    refusal(text) ?? unreachable(address, `it answers ${response.statusCode}; etcd 3.4 or later is needed`)
  );
}

const maxAnswerBytes = 256 * 1024 * 1024;

/** The whole body. @throws as `post` */
export async function textOf(
  response: IncomingMessage,
  agent: HttpAgent,
  signal: AbortSignal,
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) throw new Error(`its answer has more than ${maxAnswerBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : unreachable(agent.address, error);
  }
  return Buffer.concat(chunks).toString();
}

/** The error in an answer; `undefined` when there is none. */
export function refusal(text: string): EtcdError | undefined {
  try {
    const { error, message, code } = JSON.parse(text);
    // A stream puts its error one level deeper than a single answer.
    const said = message ?? error?.message ?? error;
    if (typeof said === "string")
      return new EtcdError(said, Number(code ?? error?.grpc_code ?? error?.code ?? 2));
  } catch {
    // No JSON: not etcd's words.
  }
  return undefined;
}

export function unreachable(address: string, cause: unknown) {
  const why = cause instanceof Error ? cause.message : String(cause);
  return serviceUnavailable("go.micro.registry", `etcd at ${address} can't be used: ${why}`, {
    reason: "connection-failed",
    cause,
  });
}
