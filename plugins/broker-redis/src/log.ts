import type { Session } from "@ts-micro/redis-connection";
import { isRefusal } from "@ts-micro/redis-connection";
import { entriesOfRead, list } from "./entries.ts";
import { blockMs, type Source } from "./source.ts";

/**
 * For a subscription without a queue, which nobody can take over: it remembers how far it has read, and the server
 * has to remember nothing, so that nothing is left of it however it ends.
 *
 * @param session where it is asked what the last message is, so that the next one is the first to arrive
 */
export async function openLog(session: Session, key: string): Promise<Source> {
  let last = await lastId(session, key);
  return {
    async begin() {},

    async read(reader, count) {
      const args = ["COUNT", String(count), "BLOCK", String(blockMs), "STREAMS", key, last];
      const entries = entriesOfRead(await reader.command(["XREAD", ...args], blockMs));
      last = entries.at(-1)?.id ?? last;
      return entries;
    },

    async end() {},
  };
}

async function lastId(session: Session, key: string): Promise<string> {
  try {
    const info = list(await session.command(["XINFO", "STREAM", key]));
    return String(info[info.findIndex((name) => String(name) === "last-generated-id") + 1]);
  } catch (thrown) {
    if (isRefusal(thrown, "ERR no such key")) return "0-0";
    throw thrown;
  }
}
