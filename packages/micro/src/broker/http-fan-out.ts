import { MicroError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Snapshot } from "../registry/cache.ts";
import type { Node } from "../registry/registry.ts";
import { brokerErrorId } from "./failures.ts";
import type { Subscribers } from "./http-subscribers.ts";
import type { Outgoing } from "./outgoing.ts";
import { type Outcome, type Sender, settled } from "./sender.ts";

/** Version of the registry record of subscriptions without a queue; any other version is a queue's name. */
export const broadcastVersion = "ff.http.broadcast";

export interface FanOut {
  /**
   * Offers the message to all nodes without a queue at once, and to one node of each queue, to the next
   * one when that fails; but to no other one when the connection was lost, for the node may have the message then.
   * Subscribers that have left are no failure. Tells what became of it; never throws.
   *
   * It fails with a MicroError 503 naming each queue (or the broadcast) of which no node took the message. The
   *   other queues have it. With the reason `connection-lost`, one of those named may have it, too.
   */
  send(message: Outgoing, signal: AbortSignal | undefined, outcome: Outcome): void;
}

export interface FanOutSetup {
  sender: Sender;
  logger: Logger;
  subscribers: Subscribers;
}

/** What became of a message at one node. */
type Offered = "taken" | "gone" | MicroError;

/** A node that could not be reached is offered a message last, or not at all, for this long. */
const avoidMs = 2_000;

export function newFanOut({ sender, logger, subscribers }: FanOutSetup): FanOut {
  /** Node → when it may be tried as before, on the clock of `performance.now()`. */
  const avoided = new Map<string, number>();
  const groups = newGroupCache();

  return {
    send(message, signal, outcome) {
      const known = subscribers.peek();
      const group = known && soleGroup(groups.of(known, message.topic));
      if (group === undefined) return tell(sendToAll(message, signal, new Map()), outcome);
      const node = anyOf(group.nodes);
      if (isAvoided(node)) return tell(sendToAll(message, signal, new Map()), outcome);
      sender.post(node, message, signal, {
        taken() {
          reached(node);
          outcome.taken();
        },
        failed: (thrown) => tell(sendToOthers(message, signal, group.version, node, thrown), outcome),
      });
    },
  };

  /** The sole receiver has not taken it. */
  async function sendToOthers(
    message: Outgoing,
    signal: AbortSignal | undefined,
    version: string,
    node: Node,
    thrown: unknown,
  ): Promise<void> {
    const result = notTakenBy(node, thrown);
    if (!mayHaveTaken(result)) return sendToAll(message, signal, new Map([[identityOf(node), result]]));
    throw notTaken(message.topic, [{ version, nodes: [node], failures: [result] }]);
  }

  /** @param offered to which nodes the message was offered already, by identity: the registry may tell of them anew */
  async function sendToAll(
    message: Outgoing,
    signal: AbortSignal | undefined,
    offered: ReadonlyMap<string, Offered>,
  ): Promise<void> {
    const { topic } = message;
    const offer = (node: Node): Promise<Offered> | Offered =>
      offered.get(identityOf(node)) ?? offerOnce(node, message, signal);
    const offerTo = (group: Group): Promise<Miss | undefined> =>
      group.version === broadcastVersion ? offerToAll(group, offer) : offerToOne(group, offer);
    const known = subscribers.peek() ?? (await subscribers.lookUp({ fresh: false, signal }));
    const misses = await Promise.all(groups.of(known, topic).map(offerTo));
    const missed = misses.filter((miss) => miss !== undefined);
    if (missed.length === 0) return;
    const fresh = groupsOf(await subscribers.lookUp({ fresh: true, signal }), topic);
    const again = await Promise.all(missed.map((miss) => offerAgain(miss, fresh, offerTo)));
    const lost = again.filter((miss) => miss !== undefined);
    if (lost.length > 0) throw notTaken(topic, lost);
  }

  async function offerToAll({ version, nodes }: Group, offer: Offer): Promise<Miss | undefined> {
    const reachable = nodes.filter((node) => !isAvoided(node));
    const results = await Promise.all((reachable.length > 0 ? reachable : nodes).map(offer));
    const failures = results.filter((result) => typeof result === "object");
    return failures.length === 0 || results.includes("taken") ? undefined : { version, nodes, failures };
  }

  async function offerToOne({ version, nodes }: Group, offer: Offer): Promise<Miss | undefined> {
    const failures: MicroError[] = [];
    const inOrder = shuffled(nodes).sort((a, b) => Number(isAvoided(a)) - Number(isAvoided(b)));
    for (const node of inOrder) {
      const result = await offer(node);
      if (result === "taken") return undefined;
      if (result === "gone") continue;
      failures.push(result);
      if (mayHaveTaken(result)) break;
    }
    return failures.length === 0 ? undefined : { version, nodes, failures };
  }

  /** With the registry's newest knowledge: who has left is no failure, who is new gets the message. */
  async function offerAgain(
    miss: Miss,
    fresh: readonly Group[],
    offerTo: (group: Group) => Promise<Miss | undefined>,
  ): Promise<Miss | undefined> {
    if (miss.version !== broadcastVersion && miss.failures.some(mayHaveTaken)) return miss;
    const group = fresh.find(({ version }) => version === miss.version);
    if (group === undefined) return undefined;
    const tried = new Set(miss.nodes.map(identityOf));
    const untried = group.nodes.filter((node) => !tried.has(identityOf(node)));
    if (untried.length === 0) return miss;
    const second = await offerTo({ ...group, nodes: untried });
    return second && { ...second, failures: [...miss.failures, ...second.failures] };
  }

  /** Rejects only when the caller's signal aborts. */
  async function offerOnce(node: Node, message: Outgoing, signal: AbortSignal | undefined): Promise<Offered> {
    try {
      await settled((outcome) => sender.post(node, message, signal, outcome));
      reached(node);
      return "taken";
    } catch (thrown) {
      return notTakenBy(node, thrown);
    }
  }

  function reached(node: Node): void {
    if (avoided.size > 0) avoided.delete(identityOf(node));
  }

  /** @throws what was thrown when the caller's signal has aborted */
  function notTakenBy(node: Node, thrown: unknown): "gone" | MicroError {
    const error = MicroError.from(thrown);
    if (error.reason === "cancelled") throw error;
    if (error.code === 404) return "gone";
    // With a reason, the connection failed; otherwise the node itself refused this message.
    if (error.reason !== undefined) avoid(node, error);
    return error;
  }

  function isAvoided(node: Node): boolean {
    if (avoided.size === 0) return false;
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

function tell(work: Promise<void>, outcome: Outcome): void {
  work.then(
    () => outcome.taken(),
    (thrown) => outcome.failed(thrown),
  );
}

type Offer = (node: Node) => Promise<Offered> | Offered;

/** The nodes of one queue, or those without one. */
interface Group {
  version: string;
  nodes: Node[];
}

/** No node of a group took the message. */
interface Miss extends Group {
  failures: MicroError[];
}

/** Remembers the groups of the topics that have subscribers, as long as nothing changes in the registry. */
function newGroupCache(): { of(services: Snapshot, topic: string): readonly Group[] } {
  let known: Snapshot | undefined;
  const byTopic = new Map<string, readonly Group[]>();
  return {
    of(services, topic) {
      if (services !== known) byTopic.clear();
      known = services;
      const remembered = byTopic.get(topic);
      if (remembered !== undefined) return remembered;
      const groups = groupsOf(services, topic);
      if (groups.length > 0) byTopic.set(topic, groups);
      return groups;
    },
  };
}

/** The one that has a sole receiver, as most messages do. */
function soleGroup(groups: readonly Group[]): Group | undefined {
  const group = groups.length === 1 ? groups[0] : undefined;
  return group?.version === broadcastVersion && group.nodes.length > 1 ? undefined : group;
}

function anyOf(nodes: readonly Node[]): Node {
  return nodes[nodes.length === 1 ? 0 : Math.floor(Math.random() * nodes.length)] as Node;
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

/** The connection ended without an answer: the node's handler may run. */
function mayHaveTaken(result: Offered): result is MicroError {
  return typeof result === "object" && result.reason === "connection-lost";
}

function notTaken(topic: string, misses: readonly Miss[]): MicroError {
  const sentences = misses.map(({ version, failures }) => {
    const who = version === broadcastVersion ? "subscriber without a queue" : `node of queue "${version}"`;
    const what = failures.some(mayHaveTaken)
      ? `a ${who} may have taken the message or not`
      : `no ${who} took the message`;
    return `${what}: ${failures.map(({ detail }) => detail).join(", ")}`;
  });
  const failures = misses.flatMap((miss) => miss.failures);
  const first = failures.find(mayHaveTaken) ?? failures[0];
  return new MicroError({
    id: brokerErrorId,
    code: 503,
    detail: `publishing on "${topic}": ${sentences.join("; ")}`,
    cause: first,
    ...(first?.reason !== undefined && { reason: first.reason }),
  });
}
