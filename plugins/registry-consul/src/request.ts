import { type IncomingMessage, request } from "node:http";
import type { HttpAgent } from "ts-micro/transport";
import { ConsulError, unreachable } from "./consul-error.ts";

export interface Question {
  readonly method: "GET" | "PUT";
  /** With its query. */
  readonly path: string;
  readonly body?: object;
}

export interface Answer {
  /** Parsed; `undefined` for an empty one. */
  readonly body: unknown;
  /** Of the state that was answered; 0 where Consul gives none. */
  readonly index: number;
  /** Something was left out that the token may not read. */
  readonly isFiltered: boolean;
}

export interface RequestOptions {
  readonly token: string | undefined;
  /** Ends the exchange at any moment; its reason is what is thrown. */
  readonly signal: AbortSignal;
  /** False for a question that may wait long: the process may end meanwhile. */
  readonly keepsAlive: boolean;
}

const maxAnswerBytes = 256 * 1024 * 1024;

/** @throws ConsulError when Consul refuses; MicroError 503 when it can't be reached; the reason of `signal` */
export async function ask(
  agent: HttpAgent,
  { method, path, body }: Question,
  { token, signal, keepsAlive }: RequestOptions,
): Promise<Answer> {
  signal.throwIfAborted();
  let status: number | undefined;
  let text: string;
  let headers: IncomingMessage["headers"];
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const credentials = token !== undefined && { "x-consul-token": token };
      const asked = request(
        { agent, signal, method, path, headers: { host: agent.address, ...credentials } },
        resolve,
      );
      if (!keepsAlive) asked.on("socket", (socket) => socket.unref());
      asked.on("error", reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
    ({ statusCode: status, headers } = response);
    text = await textOf(response);
  } catch (error) {
    throw signal.aborted ? signal.reason : unreachable(agent.address, error);
  }
  if (status !== 200)
    throw new ConsulError(text.trim().slice(0, 1_000) || `HTTP status ${status}`, status ?? 500);
  try {
    return {
      body: text === "" ? undefined : JSON.parse(text),
      index: Number(headers["x-consul-index"] ?? 0),
      isFiltered: headers["x-consul-results-filtered-by-acls"] === "true",
    };
  } catch (cause) {
    throw unreachable(agent.address, cause);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw new Error(`its answer has more than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
