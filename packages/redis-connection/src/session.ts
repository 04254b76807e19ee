import { type ConnectionOwner, type MicroError, serviceUnavailable, timeout } from "ts-micro";
import { dial } from "./dial.ts";
import { connectionDefaults, type RedisConnectionOptions } from "./options.ts";
import { isRefusal } from "./refusal.ts";
import type { ServerAddress } from "./server-address.ts";

/** One connection to one server, from its first to its last byte. */
export interface Session {
  readonly address: ServerAddress;
  /** `host:port` */
  readonly server: string;
  /** Resolves with the reason when the connection is gone. */
  readonly ended: Promise<string>;
  /**
   * Redis answers commands in their order, so a command without an answer ends the session.
   * @param longerMs what this command may take beyond `timeoutMs`, because it waits at the server
   * @throws MicroError 408 no answer in time, 503 `connection-lost`; otherwise the library's `ErrorReply`
   */
  command(args: readonly (string | Buffer)[], longerMs?: number): Promise<Reply>;
  /** Resolves when the server has taken the subscription. Throws as `command` does. */
  listen(channel: string, onMessage: (payload: Buffer) => void): Promise<void>;
  /** Ends the connection for that reason, at once. */
  drop(reason: string): void;
  /** Nobody needs it any more. */
  end(): Promise<void>;
}

/** Texts are the bytes that came; Redis's own words, such as `OK`, are strings. */
export type Reply = null | number | string | Buffer | readonly Reply[];

/** @throws what the library throws, or an Error when the server says nothing in time */
export async function openSession(
  server: ServerAddress,
  options: RedisConnectionOptions,
  { errorId }: ConnectionOwner,
): Promise<Session> {
  const { timeoutMs = connectionDefaults.timeoutMs } = options;
  const client = await dial(server, options);
  const waiting = new Set<(lost: MicroError) => void>();
  let reason: string | undefined;
  let onEnded = (_reason: string): void => {};
  const ended = new Promise<string>((resolve) => {
    onEnded = resolve;
  });
  client.on("error", (error: Error) => drop(error.message));
  await connected();

  return {
    address: server,
    server: server.hostPort,
    ended,
    command: (args, longerMs = 0) =>
      answered((client) => client.sendCommand<Reply>([...args]), timeoutMs + longerMs),
    listen: (channel, onMessage) =>
      answered((client) => client.subscribe(channel, (payload) => onMessage(payload), true), timeoutMs),
    drop,
    async end() {
      drop("closed");
    },
  };

  function drop(why: string): void {
    if (reason !== undefined) return;
    reason = why;
    client.destroy();
    for (const lose of [...waiting]) lose(lost());
    onEnded(why);
  }

  /** The library's limit ends where the greeting begins: a server that takes connections may say nothing. */
  async function connected(): Promise<void> {
    const silent = new Error(`it didn't answer within ${timeoutMs} ms (timeoutMs)`);
    const timer = setTimeout(() => drop(silent.message), timeoutMs);
    try {
      await Promise.race([client.connect(), ended.then((why) => Promise.reject(new Error(why)))]);
    } catch (thrown) {
      drop("it refused us");
      throw thrown;
    } finally {
      clearTimeout(timer);
    }
  }

  function answered<Result>(
    ask: (connected: typeof client) => Promise<Result>,
    limitMs: number,
  ): Promise<Result> {
    if (reason !== undefined) return Promise.reject(lost());
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void): void => {
        clearTimeout(timer);
        waiting.delete(lose);
        settled();
      };
      const lose = (error: MicroError): void => settle(() => reject(error));
      const timer = setTimeout(() => {
        lose(tooLate(server.hostPort, limitMs, errorId));
        drop(`it is silent: no answer within ${limitMs} ms`);
      }, limitMs);
      waiting.add(lose);
      ask(client).then(
        (result) => settle(() => resolve(result)),
        // What the library rejects with when it loses the connection comes before it says why.
        (error: unknown) =>
          isRefusal(error) ? settle(() => reject(error)) : setImmediate(() => lose(lost())),
      );
    });
  }

  function lost(): MicroError {
    const detail = `the connection to redis server ${server.hostPort} was lost: ${reason ?? "it was closed"}; what was asked may have been done or not`;
    return serviceUnavailable(errorId, detail, { reason: "connection-lost" });
  }
}

function tooLate(server: string, limitMs: number, errorId: string): MicroError {
  const detail = `redis server ${server} didn't answer within ${limitMs} ms (timeoutMs); what was asked may have been done or not`;
  return timeout(errorId, detail, { reason: "timeout" });
}
