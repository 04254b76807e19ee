import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  StorageType,
  type StoredMsg,
} from "@nats-io/jetstream";
import { type Connection, type MsgHdrs, nanos, type Session } from "@ts-micro/nats-connection";
import { failureOf, isNoBucket, isThere } from "./failure.ts";
import { streamOf } from "./names.ts";

/** What is known of a message without its payload. */
export interface Found {
  readonly subject: string;
  readonly seq: number;
  readonly header: MsgHdrs | undefined;
}

/** The streams of NATS's key-value store, made when they are first used. A bucket that was lost is made again. */
export interface Buckets {
  /** @throws MicroError 503, 501 without JetStream */
  connect(): Promise<Session>;
  /** Resolves when the message is stored. */
  publish(bucket: string, subject: string, payload: Uint8Array, header: MsgHdrs): Promise<void>;
  /** The last message on `subject`. */
  last(bucket: string, subject: string): Promise<StoredMsg | undefined>;
  /** The last message on each subject below `subject`. */
  all(bucket: string, subject: string): Promise<Found[]>;
  /** Removes what is on `subject`; with `upTo`, unless a message with a higher number is there. */
  remove(bucket: string, subject: string, upTo?: number): Promise<void>;
}

export interface BucketsOptions {
  readonly connection: Connection;
  readonly timeoutMs: number;
  readonly replicas: number;
}

interface Api {
  readonly session: Session;
  readonly manager: JetStreamManager;
  readonly client: JetStreamClient;
}

export function newBuckets({ connection, timeoutMs, replicas }: BucketsOptions): Buckets {
  /** Per connection: another server may not have them. */
  const known = new WeakMap<Session, Map<string, Promise<void>>>();

  async function connect(): Promise<Session> {
    await connection.open();
    return connection.session();
  }

  async function use<T>(
    bucket: string,
    doing: string,
    work: (api: Api, stream: string) => Promise<T>,
  ): Promise<T> {
    const session = await connect();
    for (let attempt = 0; ; attempt++) {
      try {
        // Makes an object and asks nobody.
        const manager = await jetstreamManager(session.nats, { checkAPI: false, timeout: timeoutMs });
        const api = { session, manager, client: jetstream(session.nats, { timeout: timeoutMs }) };
        await session.answered(ensure(api, bucket));
        return await session.answered(work(api, streamOf(bucket)));
      } catch (thrown) {
        known.get(session)?.delete(bucket);
        if (attempt > 0 || !isNoBucket(thrown)) throw failureOf(session, doing, thrown);
      }
    }
  }

  function ensure({ session, manager }: Api, bucket: string): Promise<void> {
    const buckets = known.get(session) ?? new Map<string, Promise<void>>();
    known.set(session, buckets);
    const made = buckets.get(bucket) ?? make(manager, bucket);
    buckets.set(bucket, made);
    return made;
  }

  async function make({ streams }: JetStreamManager, bucket: string): Promise<void> {
    try {
      await streams.add({
        name: streamOf(bucket),
        subjects: [`$KV.${bucket}.>`],
        storage: StorageType.File,
        num_replicas: replicas,
        max_msgs_per_subject: 1,
        discard: DiscardPolicy.New,
        allow_rollup_hdrs: true,
        allow_direct: true,
        deny_delete: true,
      });
    } catch (thrown) {
      if (!isThere(thrown)) throw thrown;
    }
  }

  return {
    connect,
    async publish(bucket, subject, payload, headers) {
      await use(bucket, "writing", ({ client }) => client.publish(subject, payload, { headers }));
    },
    async last(bucket, subject) {
      const query = { last_by_subj: subject };
      // Asks the leader: other members may not have what was just written.
      return (
        (await use(bucket, "reading", ({ manager }, stream) => manager.streams.getMessage(stream, query))) ??
        undefined
      );
    },
    all: (bucket, subject) => use(bucket, "listing", (api, stream) => collect(api, stream, subject)),
    async remove(bucket, subject, upTo) {
      const which = { filter: subject, ...(upTo !== undefined && { seq: upTo + 1 }) };
      await use(bucket, "deleting", ({ manager }, stream) => manager.streams.purge(stream, which));
    },
  };
}

/**
 * While records are removed the server may count too few as left (seen with 2.9.10). So when fewer came than it had
 * announced, they are asked for anew: what was really removed is announced no more.
 */
async function collect(api: Api, stream: string, subject: string): Promise<Found[]> {
  for (let attempt = 1; ; attempt++) {
    const { announced, found } = await collectOnce(api, stream, subject);
    if (found.length >= announced || attempt === collectAttempts) return found;
  }
}

/** By a consumer that the server forgets soon, should nobody come to remove it. */
async function collectOnce(
  { manager, client }: Api,
  stream: string,
  subject: string,
): Promise<{ announced: number; found: Found[] }> {
  const { name, num_pending } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.LastPerSubject,
    filter_subject: `${subject}.>`,
    headers_only: true,
    inactive_threshold: nanos(30_000),
    mem_storage: true,
    num_replicas: 1,
  });
  const found = new Map<string, Found>();
  try {
    const consumer = await client.consumers.get(stream, name);
    for (let left = num_pending; left > 0; ) {
      // What is deleted meanwhile doesn't come, so that the end may have to be asked for.
      const messages = await consumer.fetch({ max_messages: Math.min(left, fetchedAtOnce), expires: 1_000 });
      for await (const { subject, seq, headers, info } of messages) {
        found.set(subject, { subject, seq, header: headers });
        left = info.pending;
        if (left === 0) messages.stop();
      }
      if (left > 0) left = (await consumer.info()).num_pending;
    }
    return { announced: num_pending, found: [...found.values()] };
  } finally {
    manager.consumers.delete(stream, name).catch(() => {});
  }
}

const fetchedAtOnce = 1_000;
const collectAttempts = 5;
