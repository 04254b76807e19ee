import { createInbox, type Msg, type Session } from "@ts-micro/nats-connection";
import { MicroError } from "ts-micro";
import { type ReadOptions, type Service, serviceFromJson } from "ts-micro/registry";
import { registryErrorId } from "./options.ts";
import { keyOf, recordsOf } from "./records.ts";
import { type Query, queryOf, queryToJson } from "./subjects.ts";

export interface AskSetup {
  prefixes: readonly string[];
  answerMs: number;
  timeoutMs: number;
}

export interface AskOptions extends ReadOptions {
  /** Told of each record as it comes, so in the order of the announcements between. */
  onRecord?: (record: Service) => void;
}

/**
 * Asks all owners and collects what they answer: records of single nodes, the last answer of a node last. Ends when nobody has
 * answered for a while: nobody knows how many there are.
 * @throws MicroError 503 without a connection, 499 `cancelled`
 */
export async function ask(
  session: Session,
  query: Query,
  setup: AskSetup,
  { timeoutMs = setup.timeoutMs, signal, onRecord }: AskOptions = {},
): Promise<Service[]> {
  if (signal?.aborted) throw cancelled(signal);
  const { prefixes, answerMs } = setup;
  const found = new Map<string, Service>();
  /** Subjects on which nobody listens: the server tells at once. */
  let unheard = 0;
  let onAnswer = (): void => {};
  let onEnd = (): void => {};
  const collected = new Promise<void>((resolve) => {
    onEnd = resolve;
    let quiet = setTimeout(resolve, 3 * answerMs);
    const limit = setTimeout(resolve, timeoutMs);
    onAnswer = () => {
      clearTimeout(quiet);
      quiet = setTimeout(resolve, answerMs);
    };
    onEnd = () => {
      clearTimeout(quiet);
      clearTimeout(limit);
      resolve();
    };
  });
  const inbox = createInbox();
  signal?.addEventListener("abort", onEnd, { once: true });
  void session.ended.then(onEnd);
  try {
    const listening = await session.listen({ subject: inbox, onMessage });
    const payload = Buffer.from(queryToJson(query));
    const asking = prefixes.map((prefix) => session.publish(queryOf(prefix), payload, { reply: inbox }));
    await Promise.all(asking);
    await collected;
    await listening.end();
  } finally {
    onEnd();
    signal?.removeEventListener("abort", onEnd);
  }
  if (signal?.aborted) throw cancelled(signal);
  return [...found.values()];

  function onMessage({ data, headers }: Msg): void {
    if (headers?.code === 503) {
      unheard++;
      if (unheard === prefixes.length) onEnd();
      return;
    }
    onAnswer();
    try {
      for (const record of recordsOf(serviceFromJson(Buffer.from(data).toString()))) {
        found.delete(keyOf(record));
        found.set(keyOf(record), record);
        onRecord?.(record);
      }
    } catch {
      // What isn't a service is nobody's answer.
    }
  }
}

function cancelled(signal: AbortSignal): MicroError {
  const detail = "looking into the registry was cancelled";
  return new MicroError({
    id: registryErrorId,
    code: 499,
    detail,
    reason: "cancelled",
    cause: signal.reason,
  });
}
