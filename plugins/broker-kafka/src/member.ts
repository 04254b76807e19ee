import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Admin, Consumer, EachBatchPayload } from "kafkajs";
import type { Logger } from "ts-micro";
import { rangeAssigner } from "./assigner.ts";
import type { Cluster } from "./cluster.ts";
import { newCommitter } from "./committer.ts";
import type { Connection } from "./connection.ts";
import { causeOf, failureOf, isRefusal, whenReady, within } from "./failures.ts";
import { type IntakeSetup, newIntake } from "./intake.ts";
import { newProgress, type Progress } from "./progress.ts";

export interface MemberSetup extends Omit<IntakeSetup, "isOurs" | "onProgress"> {
  connection: Connection;
  topic: string;
  queue: string | undefined;
  sessionTimeoutMs: number;
  timeoutMs: number;
  logger: Logger;
}

export interface Member {
  /** Resolves when no handler runs any more and the group knows what is done. Never rejects. */
  end(): Promise<void>;
}

/**
 * A member of a consumer group: of the queue's, or of one of its own.
 *
 * A message is fetched again when the group is divided anew, because the group remembers less than we know; so each
 * partition that stays ours keeps its progress.
 *
 * @throws MicroError as `failureOf` makes them
 */
export async function joinGroup(setup: MemberSetup): Promise<Member> {
  const { connection, topic, queue, delivery, timeoutMs, sessionTimeoutMs, logger } = setup;
  const groupId = queue ?? `${topic}-${randomUUID()}`;
  const progress = new Map<number, Progress>();
  /** Where the group begins in partitions of which it remembers nothing. */
  const starts = new Map<number, number>();
  let remembered: Promise<ReadonlyMap<number, Remembered>> = Promise.resolve(new Map());
  let ending = false;
  let cluster = connection.cluster();
  let onJoined = (): void => {};
  let onCrashed = (_error: unknown): void => {};
  let consumer = newConsumer(cluster);
  const committer = newCommitter({ consumer: () => consumer, topic, progress, timeoutMs, logger });
  const intake = newIntake({
    ...setup,
    isOurs: (own) => [...progress.values()].includes(own),
    onProgress: () => committer.soon(),
  });

  try {
    await start();
  } catch (thrown) {
    await leave();
    throw failureOf(thrown, `subscribe to "${topic}"`);
  }
  const unlisten = connection.onReplaced((next) => void moveTo(next));

  return {
    async end() {
      ending = true;
      unlisten();
      intake.end();
      // What isn't begun yet stays; the group goes on hearing from us until the handlers have ended.
      stopFetching();
      await delivery.stop();
      await committer.end();
      await leave();
    },
  };

  function newConsumer({ groups, admin, doubt }: Cluster): Consumer {
    const made: Consumer = groups.consumer({
      groupId,
      partitionAssigners: [() => rangeAssigner((name) => partitionsOf(admin, name))],
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: sessionTimeoutMs / 5,
      maxWaitTimeInMs: longPollMs,
      allowAutoTopicCreation: false,
      retry: {
        retries: 5,
        initialRetryTime: 100,
        maxRetryTime: 1_000,
        restartOnFailure: async () => isOurs(),
      },
    });
    const isOurs = (): boolean => consumer === made && !ending;
    made.on(made.events.GROUP_JOIN, ({ payload }) => {
      if (consumer !== made) return;
      const assigned = new Set(payload.memberAssignment[topic] ?? []);
      for (const partition of progress.keys()) if (!assigned.has(partition)) progress.delete(partition);
      remembered = recall();
      // Whoever needs it sees the failure.
      remembered.catch(() => {});
      onJoined();
    });
    made.on(made.events.REBALANCING, () => committer.flush());
    made.on(made.events.CRASH, ({ payload }) => {
      // What it tries again by itself may be a coordinator that is still loading.
      if (!payload.restart) onCrashed(payload.error);
      if (!isOurs()) return;
      logger.warn(`queue ${groupId} was interrupted: ${causeOf(payload.error)}; joining again`);
      doubt();
      // What the library takes for hopeless may be mended at the cluster.
      if (!payload.restart) void pause(rejoinMs).then(() => joinAgain(made));
    });
    return made;
  }

  /** In a new cluster's connection; what is in hand stays there. */
  async function moveTo(next: Cluster): Promise<void> {
    const old = consumer;
    cluster = next;
    consumer = newConsumer(next);
    void within(timeoutMs, old.disconnect()).catch(() => {});
    await joinAgain(consumer);
  }

  async function joinAgain(mine: Consumer): Promise<void> {
    while (!ending && consumer === mine) {
      try {
        await join(mine);
        return;
      } catch (thrown) {
        logger.debug(`queue ${groupId} can't be joined yet: ${causeOf(thrown)}`);
        await pause(rejoinMs);
      }
    }
  }

  async function join(mine: Consumer): Promise<void> {
    await mine.connect();
    await mine.subscribe({ topics: [topic], fromBeginning: true });
    await mine.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => eachBatch(payload, mine),
    });
  }

  /** The first member of a group writes down where it begins, before anybody can publish what it waits for. */
  async function start(): Promise<void> {
    const known = queue === undefined ? new Map<number, Remembered>() : await recall();
    for (const { partition, high } of await whenReady(
      () => cluster.admin.fetchTopicOffsets(topic),
      timeoutMs,
    )) {
      if (!known.has(partition)) starts.set(partition, Number(high));
    }
    const joined = new Promise<void>((resolve, reject) => {
      onJoined = resolve;
      onCrashed = reject;
    });
    // A member that died without a word is waited for.
    await within(timeoutMs + 2 * sessionTimeoutMs, Promise.all([join(consumer), joined]));
    for (const [partition, offset] of starts) consumer.seek({ topic, partition, offset: String(offset) });
    const offsets = [...starts].map(([partition, offset]) => ({ topic, partition, offset: String(offset) }));
    if (offsets.length > 0) await whenReady(() => consumer.commitOffsets(offsets), timeoutMs);
  }

  async function recall(): Promise<ReadonlyMap<number, Remembered>> {
    const [found] = await whenReady(
      () => cluster.admin.fetchOffsets({ groupId, topics: [topic] }),
      timeoutMs,
    );
    const known = (found?.partitions ?? []).filter(({ offset }) => Number(offset) >= 0);
    return new Map(
      known.map(({ partition, offset, metadata }) => [
        partition,
        { offset: Number(offset), note: metadata ?? "" },
      ]),
    );
  }

  async function eachBatch(payload: EachBatchPayload, mine: Consumer): Promise<void> {
    const { batch, resolveOffset, heartbeat, isRunning, isStale } = payload;
    const own = await progressOf(batch.partition, Number(batch.messages[0]?.offset ?? 0));
    for (const entry of batch.messages) {
      if (ending || consumer !== mine || !isRunning() || isStale()) return;
      if (own.wants(Number(entry.offset)) && !(await intake.take(own, entry, heartbeat))) return;
      resolveOffset(entry.offset);
      await heartbeat();
    }
  }

  async function progressOf(partition: number, first: number): Promise<Progress> {
    const present = progress.get(partition);
    if (present !== undefined) return present;
    // What could not be asked when the group was divided is asked now.
    const all = await remembered.catch(() => {
      remembered = recall();
      return remembered;
    });
    const known = all.get(partition);
    const from = known?.offset ?? starts.get(partition) ?? first;
    const made = newProgress(Math.max(from, starts.get(partition) ?? 0), known?.note);
    progress.set(partition, made);
    return made;
  }

  /** One that is just joining again fetches nothing, and can't be paused: the library throws then. */
  function stopFetching(): void {
    try {
      consumer.pause([{ topic }]);
    } catch (thrown) {
      logger.debug(`group ${groupId} fetches nothing: ${causeOf(thrown)}`);
    }
  }

  async function leave(): Promise<void> {
    ending = true;
    try {
      await within(timeoutMs, consumer.disconnect());
      if (queue === undefined) await within(timeoutMs, cluster.admin.deleteGroups([groupId]));
    } catch (thrown) {
      logger.debug(`group ${groupId} could not be left: ${causeOf(thrown)}`);
    }
  }
}

/** None for a topic that is gone. */
async function partitionsOf(admin: Admin, topic: string): Promise<number[]> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics.flatMap(({ partitions }) => partitions.map(({ partitionId }) => partitionId));
  } catch (thrown) {
    if (isRefusal(thrown) && thrown.type === "UNKNOWN_TOPIC_OR_PARTITION") return [];
    throw thrown;
  }
}

interface Remembered {
  readonly offset: number;
  readonly note: string;
}

/** How long a fetch waits at the server when there is nothing, and so how long it takes to end one, in milliseconds. */
const longPollMs = 500;
/** Wait before a member that crashed joins again, in milliseconds. */
const rejoinMs = 1_000;
