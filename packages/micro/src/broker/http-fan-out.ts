import { MicroError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Snapshot } from "../registry/cache.ts";
import type { Node } from "../registry/registry.ts";
import { brokerErrorId } from "./failures.ts";
import type { Sender } from "./http-sender.ts";

/** Version of the registry record of subscriptions without a queue; any other version is a queue's name. */
export const broadcastVersion = "ff.http.broadcast";

export interface FanOut {
  /**
   * Offers the message to all nodes without a queue at once, and to one node of each queue, to the next
   * one when that fails. Subscribers that have left are no failure.
   * @throws MicroError 503 naming each queue (or the broadcast) of which no node took the message. The
   *   other queues have it.
   */
  send(topic: string, envelope: Buffer, signal?: AbortSignal): Promise<void>;
}

export interface FanOutSetup {
  sender: Sender;
  logger: Logger;
  /** The records of the subscribers; `fresh` when the cached ones have led nowhere. */
  lookUp(options: { fresh: boolean; signal: AbortSignal | undefined }): Promise<Snapshot>;
}

/** A node that could not be reached is offered a message last, or not at all, for this long. */
const avoidMs = 2_000;

export function newFanOut({ sender, logger, lookUp }: FanOutSetup): FanOut {
  /** Node → when it may be tried as before, on the clock of `performance.now()`. */
  const avoided = new Map<string, number>();

  return {
    async send(topic, envelope, signal) {
      const offerTo = (group: Group): Promise<Miss | undefined> =>
        group.version === broadcastVersion
          ? offerToAll(group, envelope, signal)
          : offerToOne(group, envelope, signal);
      const misses = await Promise.all(groupsOf(await lookUp({ fresh: false, signal }), topic).map(offerTo));
      const missed = misses.filter((miss) => miss !== undefined);
      if (missed.length === 0) return;
      const fresh = groupsOf(await lookUp({ fresh: true, signal }), topic);
      const again = await Promise.all(missed.map((miss) => offerAgain(miss, fresh, offerTo)));
      const lost = again.filter((miss) => miss !== undefined);
      if (lost.length > 0) throw notTaken(topic, lost);
    },
  };

  async function offerToAll(
    { version, nodes }: Group,
    envelope: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<Miss | undefined> {
    const reachable = nodes.filter((node) => !isAvoided(node));
    const results = await Promise.all(
      (reachable.length > 0 ? reachable : nodes).map((node) => offer(node, envelope, signal)),
    );
    const failures = results.filter((result) => typeof result === "object");
    return failures.length === 0 || results.includes("taken") ? undefined : { version, nodes, failures };
  }

  async function offerToOne(
    { version, nodes }: Group,
    envelope: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<Miss | undefined> {
    const failures: MicroError[] = [];
    const inOrder = shuffled(nodes).sort((a, b) => Number(isAvoided(a)) - Number(isAvoided(b)));
    for (const node of inOrder) {
      const result = await offer(node, envelope, signal);
      if (result === "taken") return undefined;
      if (result !== "gone") failures.push(result);
    }
    return failures.length === 0 ? undefined : { version, nodes, failures };
  }

  /** With the registry's newest knowledge: who has left is no failure, who is new gets the message. */
  async function offerAgain(
    miss: Miss,
    fresh: readonly Group[],
    offerTo: (group: Group) => Promise<Miss | undefined>,
  ): Promise<Miss | undefined> {
    const group = fresh.find(({ version }) => version === miss.version);
    if (group === undefined) return undefined;
    const tried = new Set(miss.nodes.map(identityOf));
    const untried = group.nodes.filter((node) => !tried.has(identityOf(node)));
    if (untried.length === 0) return miss;
    const second = await offerTo({ ...group, nodes: untried });
    return second && { ...second, failures: [...miss.failures, ...second.failures] };
  }

  /** Rejects only when the caller's signal aborts. */
  async function offer(
    node: Node,
    envelope: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<"taken" | "gone" | MicroError> {
    try {
      await sender.post(node, envelope, signal);
      avoided.delete(identityOf(node));
      return "taken";
    } catch (thrown) {
      const error = MicroError.from(thrown);
      if (error.reason === "cancelled") throw error;
      if (error.code === 404) return "gone";
      // With a reason, the connection failed; otherwise the node itself refused this message.
      if (error.reason !== undefined) avoid(node, error);
      return error;
    }
  }

  function isAvoided(node: Node): boolean {
    const until = avoided.get(identityOf(node));
    return until !== undefined && until > performance.now();
  }

  function avoid(node: Node, error: MicroError): void {
    const now = performance.now();
    for (const [identity, until] of avoided) {
      if (until <= now) avoided.delete(identity);
    }
    avoided.set(identityOf(node), now + avoidMs);
    logger.warn(`${error.detail}; avoiding it for ${avoidMs} ms`);
  }
}

/** The nodes of one queue, or those without one. */
interface Group {
  version: string;
  nodes: Node[];
}

/** No node of a group took the message. */
interface Miss extends Group {
  failures: MicroError[];
}

function groupsOf(services: Snapshot, topic: string): Group[] {
  return services
    .map(({ version, nodes }) => ({
      version,
      nodes: nodes.filter(({ metadata }) => metadata.broker === "http" && metadata.topic === topic),
    }))
    .filter(({ nodes }) => nodes.length > 0);
}

/** A subscriber that was started again may have the same id, but not the same address, or the other way round. */
function identityOf(node: Node): string {
  return `${node.id} ${node.address}`;
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  const result = [...items];
  for (let at = result.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [result[at], result[other]] = [result[other] as Item, result[at] as Item];
  }
  return result;
}

function notTaken(topic: string, misses: readonly Miss[]): MicroError {
  const sentences = misses.map(({ version, failures }) => {
    const who =
      version === broadcastVersion ? "no subscriber without a queue" : `no node of queue "${version}"`;
    return `${who} took the message: ${failures.map(({ detail }) => detail).join(", ")}`;
  });
  const first = misses[0]?.failures[0];
  return new MicroError({
    id: brokerErrorId,
    code: 503,
    detail: `publishing on "${topic}": ${sentences.join("; ")}`,
    cause: first,
    ...(first?.reason !== undefined && { reason: first.reason }),
  });
}
