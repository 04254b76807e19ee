import { setTimeout as pause } from "node:timers/promises";
import type { Connection, Session } from "@ts-micro/redis-connection";
import { textOf } from "@ts-micro/redis-connection";
import type { Logger } from "ts-micro";

export interface ChannelSetup {
  connection: Connection;
  channel: string;
  onMessage(payload: Buffer): void;
  pingIntervalMs: number;
  logger: Logger;
}

/** Redis's plain subscription, kept up on each further connection. */
export interface Channel {
  /** Resolves when nothing will arrive any more. Never rejects. */
  end(): Promise<void>;
}

/** @throws what opening a connection and subscribing throw, the first time; later they are tried again */
export async function openChannel(setup: ChannelSetup): Promise<Channel> {
  const { connection, channel, onMessage, pingIntervalMs, logger } = setup;
  const ending = new AbortController();
  let session = await open();
  const done = run();

  return {
    async end() {
      ending.abort();
      // All that the server has sent before its answer to this has arrived then.
      await session.command(["PING"]).catch(() => {});
      await session.end();
      await done;
    },
  };

  async function open(): Promise<Session> {
    const opened = await connection.openReader();
    try {
      await opened.listen(channel, onMessage);
      return opened;
    } catch (thrown) {
      opened.drop("it can't be used");
      throw thrown;
    }
  }

  async function run(): Promise<void> {
    for (;;) {
      const pinging = setInterval(() => void session.command(["PING"]).catch(() => {}), pingIntervalMs);
      const reason = await session.ended;
      clearInterval(pinging);
      if (ending.signal.aborted) return;
      logger.debug(`listening was interrupted: ${reason}`);
      if (!(await openAgain())) return;
    }
  }

  /** False when the subscription ends meanwhile. */
  async function openAgain(): Promise<boolean> {
    for (let attempt = 0; (await connection.next(ending.signal)) !== undefined; attempt++) {
      try {
        session = await open();
        // Whoever ends the subscription has ended the session before it.
        if (ending.signal.aborted) await session.end();
        return !ending.signal.aborted;
      } catch (thrown) {
        const text = `can't listen on "${channel}" yet: ${textOf(thrown)}`;
        if (attempt === 0) logger.warn(text);
        else logger.debug(text);
      }
      await pause(retryMs * (0.5 + Math.random()), undefined, { signal: ending.signal }).catch(() => {});
    }
    return false;
  }
}

const retryMs = 200;
