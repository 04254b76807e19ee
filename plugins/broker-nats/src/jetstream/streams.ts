import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from "@nats-io/jetstream";
import type { Session } from "@ts-micro/nats-connection";
import { nanos } from "@ts-micro/nats-connection";
import { badRequest } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";
import { defaults, type NatsBrokerOptions } from "../options.ts";
import { covers } from "../subject.ts";
import { type Ask, hasApiCode } from "./administration.ts";
import { nameOf } from "./names.ts";

/** Which stream has the messages of a topic. */
export interface Streams {
  /**
   * The name of the stream that exists for this topic, or of one that is made. Asked once per connection.
   * @throws MicroError 400 when streams have only some of what a topic with wildcards covers
   */
  of(session: Session, topic: string, use?: Use): Promise<string>;
  /** It is asked anew next time. */
  forget(session: Session, topic: string): void;
}

/** Dead letters are kept to be looked at; other messages until every subscription has handled them. */
export type Use = "messages" | "dead letters";

export function newStreams(ask: Ask, options: NatsBrokerOptions): Streams {
  const known = new WeakMap<Session, Map<string, Promise<string>>>();

  return {
    of(session, topic, use = "messages") {
      const topics = known.get(session) ?? new Map<string, Promise<string>>();
      known.set(session, topics);
      let stream = topics.get(topic);
      if (stream === undefined) {
        if (topics.size >= mostKnown) topics.clear();
        stream = findOrMake(session, topic, use);
        topics.set(topic, stream);
        stream.catch(() => topics.delete(topic));
      }
      return stream;
    },
    forget(session, topic) {
      known.get(session)?.delete(topic);
    },
  };

  async function findOrMake(session: Session, topic: string, use: Use): Promise<string> {
    const found = await find(session, topic);
    if (found !== undefined) return found;
    const config = configOf(topic, use);
    try {
      await ask(session, `making a stream for "${topic}"`, ({ streams }) => streams.add(config));
      return config.name;
    } catch (thrown) {
      // Somebody else has made one meanwhile, with other limits.
      const other = hasApiCode(thrown, nameInUse) || hasApiCode(thrown, subjectsOverlap);
      const stream = other ? await find(session, topic) : undefined;
      if (stream === undefined) throw thrown;
      return stream;
    }
  }

  async function find(session: Session, topic: string): Promise<string | undefined> {
    return ask(session, `looking for the stream of "${topic}"`, async ({ streams }) => {
      const [name, ...others] = await streams.names(topic).next();
      if (name === undefined) return undefined;
      const { config } = await streams.info(name);
      if (config.subjects.some((subject) => covers(subject, topic))) return name;
      const subjects = `stream ${name} has only ${config.subjects.join(", ")}${others.length > 0 ? ", others have more" : ""}`;
      const cure = `make one stream with the subject "${topic}" before, or subscribe to the topics one by one`;
      throw badRequest(brokerErrorId, `can't subscribe to "${topic}": ${subjects}; ${cure}`);
    });
  }

  function configOf(topic: string, use: Use): Partial<StreamConfig> & { name: string } {
    const {
      streamReplicas = defaults.streamReplicas,
      streamMaxMessages = defaults.streamMaxMessages,
      streamMaxAgeMs = defaults.streamMaxAgeMs,
    } = options;
    const deadLetters = use === "dead letters";
    return {
      name: nameOf(topic),
      subjects: [topic],
      storage: StorageType.File,
      num_replicas: streamReplicas,
      max_age: nanos(streamMaxAgeMs),
      max_msgs: streamMaxMessages,
      // The server wants it no longer than the age.
      duplicate_window: nanos(Math.min(duplicateWindowMs, streamMaxAgeMs)),
      retention: deadLetters ? RetentionPolicy.Limits : RetentionPolicy.Interest,
      // A message that nobody has handled makes no room for another one: the publisher learns that it is too much.
      discard: deadLetters ? DiscardPolicy.Old : DiscardPolicy.New,
    };
  }
}

/** Within it, a message with the same id on the same topic is stored once. The server's own default. */
const duplicateWindowMs = 120_000;

/** Topics that are known to have a stream, per connection: a bound for programs that make up topics. */
const mostKnown = 10_000;

/** Numbers of errors: `server/errors.json` of nats-server. */
const nameInUse = 10_058;
const subjectsOverlap = 10_065;
