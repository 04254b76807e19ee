import type { IncomingMessage } from "node:http";
import type { HttpAgent } from "ts-micro/transport";
import { type PostOptions, post, refusal, unreachable } from "./endpoint.ts";
import { EtcdError } from "./etcd-error.ts";

/** An answer that goes on: one JSON message a line. */
export interface Stream {
  /** When something was heard last, as `performance.now()`. */
  readonly heardAt: number;
  /** Rejects when the stream breaks, ends or etcd gives an error; never resolves. */
  readonly broken: Promise<never>;
  /** Idempotent. */
  close(): void;
}

/** The longest message. etcd takes no requests above 1.5 MiB, but a message may carry many events. */
const maxMessageLength = 256 * 1024 * 1024;

/**
 * Resolves after the first message. An open stream doesn't keep the process alive.
 * @param options `signal` counts until then
 */
export async function openStream(
  agent: HttpAgent,
  method: string,
  body: object,
  options: PostOptions,
  onMessage: (message: unknown) => void,
): Promise<Stream> {
  const response = await post(agent, method, body, options);
  return new Promise((resolve, reject) => {
    const { address } = agent;
    let heardAt = performance.now();
    const broken = read(response, address, (message) => {
      heardAt = performance.now();
      onMessage(message);
      response.socket.unref();
      resolve(stream);
    });
    const stream: Stream = {
      get heardAt() {
        return heardAt;
      },
      broken,
      close: () => void response.destroy(),
    };
    broken.catch((error) => reject(options.signal.aborted ? options.signal.reason : error));
  });
}

async function read(
  response: IncomingMessage,
  address: string,
  onMessage: (message: unknown) => void,
): Promise<never> {
  response.setEncoding("utf8");
  let rest = "";
  try {
    for await (const text of response as AsyncIterable<string>) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > maxMessageLength)
        throw new Error(`a message is longer than ${maxMessageLength} bytes`);
      for (const line of lines) {
        if (line.trim() === "") continue;
        const refused = refusal(line);
        if (refused !== undefined) throw refused;
        onMessage((JSON.parse(line) as { result?: unknown }).result);
      }
    }
  } catch (error) {
    response.destroy();
    throw error instanceof EtcdError ? error : unreachable(address, error);
  }
  throw unreachable(address, "the stream was ended");
}
