import { type IncomingMessage, request } from "node:http";
import type { HttpAgent } from "ts-micro/transport";
import { KubernetesError, unreachable } from "./kubernetes-error.ts";

export interface Question {
  readonly method: "GET" | "PATCH";
  /** With its query. */
  readonly path: string;
  readonly body?: object;
}

export interface RequestOptions {
  readonly token: string | undefined;
  /** Ends the exchange at any moment; its reason is what is thrown. */
  readonly signal: AbortSignal;
}

/** A list of everything in a large cluster. */
const maxAnswerLength = 256 * 1024 * 1024;

/**
 * Resolves with the head of a successful answer.
 * @throws KubernetesError when the API server refuses; MicroError 503 when it can't be reached; the reason of `signal`
 */
export async function open(
  agent: HttpAgent,
  { method, path, body }: Question,
  { token, signal }: RequestOptions,
): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const headers = {
    host: agent.address,
    accept: "application/json",
    ...(body && { "content-type": "application/strategic-merge-patch+json" }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const asked = request({ agent, signal, method, path, headers }, resolve);
    asked.on("error", (error) => reject(signal.aborted ? signal.reason : unreachable(agent.address, error)));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const { statusCode = 500 } = response;
  if (statusCode === 200) return response;
  throw new KubernetesError(messageOf(await textOf(response, agent, signal), statusCode), statusCode);
}

/** The whole body. @throws as `open` */
export async function textOf(
  response: IncomingMessage,
  agent: HttpAgent,
  signal: AbortSignal,
): Promise<string> {
  let text = "";
  for await (const part of partsOf(response, agent, signal)) {
    text += part;
    if (text.length > maxAnswerLength) throw unreachable(agent.address, "its answer is too long");
  }
  return text;
}

/** The body, line by line as it comes; ends when the server ends it. @throws as `open` */
export async function* linesOf(
  response: IncomingMessage,
  agent: HttpAgent,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let rest = "";
  for await (const part of partsOf(response, agent, signal)) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxAnswerLength) throw unreachable(agent.address, "a line is too long");
    yield* lines.filter((line) => line !== "");
  }
}

async function* partsOf(
  response: IncomingMessage,
  agent: HttpAgent,
  signal: AbortSignal,
): AsyncGenerator<string> {
  response.setEncoding("utf8");
  try {
    yield* response as AsyncIterable<string>;
  } catch (error) {
    throw signal.aborted ? signal.reason : unreachable(agent.address, error);
  }
}

function messageOf(text: string, status: number): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string" && message !== "") return message;
  } catch {
    // No Status: a proxy's words.
  }
  return text.trim().slice(0, 1_000) || `HTTP status ${status}`;
}
