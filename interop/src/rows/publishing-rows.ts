/** The rows about publishing, between services of ours and of go-micro, whichever broker the flags choose. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type GoMicro, ours } from "../go-micro.ts";
import { newName } from "../new-name.ts";
import { until } from "../until.ts";
import {
  type ContentType,
  goPublisher,
  goSubscriber,
  ourPublisher,
  ourSubscriber,
  type Publisher,
  type Subscriber,
  type Topic,
} from "./publishing-peers.ts";

const names = Array.from({ length: 40 }, (_, index) => `user${index}`).sort();
/** Published until the subscribers are known, and not counted: what was published before is lost, or comes later. */
const anybody = "anybody";

export interface PublishingRowsOptions {
  /** Those that choose the broker, and the registry. */
  flags(): readonly string[];
  /** Further ones of ours, for a queue that go-micro shares. */
  readonly queueFlags?: readonly string[];
  /** False where go-micro has no queues. @default true */
  readonly queues?: boolean;
}

interface Column {
  readonly name: string;
  readonly skip: string | false;
  publisher(topic: Topic, contentType: ContentType): Promise<Publisher>;
  subscriber(topic: Topic): Promise<Subscriber>;
  /** Members of one queue. */
  members(topic: Topic, ofOurs: Topic): Promise<readonly [Subscriber, Subscriber]>;
}

const queue = "mailers";

/** Ours beside ours, and beside each of those versions. */
export function publishingRows(versions: readonly GoMicro[], options: PublishingRowsOptions): void {
  const { flags, queueFlags = [], queues = true } = options;
  const newTopic = (): Topic => ({ topic: newName(), flags: flags() });
  const columns = [...versions.flatMap(columnsWith), columnOfOurs];

  for (const { name, skip, subscriber, publisher } of columns) {
    for (const codec of ["JSON", "protobuf"] as const) {
      test(`an event with metadata, ${codec}: ${name}`, { skip }, async () => {
        const topic = newTopic();
        await using told = await subscriber(topic);
        await using telling = await publisher(topic, `application/${codec === "JSON" ? "json" : "protobuf"}`);
        await publishAll(telling, [told]);
      });
    }
  }

  for (const { name, skip, members, publisher } of queues ? columns : []) {
    test(`a queue with two members: ${name}`, { skip }, async () => {
      const topic = newTopic();
      const [one, other] = await members(topic, { ...topic, flags: [...topic.flags, ...queueFlags] });
      await using _one = one;
      await using _other = other;
      await using telling = await publisher(topic, "application/json");
      await publishAll(telling, [one, other]);
    });
  }
}

/** A queue's members are one of each. */
function columnsWith(go: GoMicro): Column[] {
  const members: Column["members"] = async (topic, ofOurs) => [
    await goSubscriber(go, topic, queue),
    await ourSubscriber(ofOurs, queue),
  ];
  const { skip } = go.program("pubsub");
  const isDefault = (contentType: ContentType): boolean => contentType === go.publishes;
  return [
    {
      name: go.toGo,
      skip,
      publisher: ourPublisher,
      subscriber: (topic) => goSubscriber(go, topic),
      members,
    },
    {
      name: go.fromGo,
      skip,
      publisher: (topic, type) => goPublisher(go, topic, isDefault(type) ? "default" : type),
      subscriber: (topic) => ourSubscriber(topic),
      members,
    },
  ];
}

const columnOfOurs: Column = {
  name: ours,
  skip: false,
  publisher: ourPublisher,
  subscriber: (topic) => ourSubscriber(topic),
  members: async (_, topic) => [await ourSubscriber(topic, queue), await ourSubscriber(topic, queue)],
};

/** Each user must arrive once, at one of the subscribers, after all of them got something. */
async function publishAll(publisher: Publisher, subscribers: readonly Subscriber[]): Promise<void> {
  await until(
    () => subscribers.every((subscriber) => subscriber.told().length > 0),
    async () => {
      await publisher.publish(anybody);
      await pause(50);
    },
  );
  for (const name of names) await publisher.publish(name);
  const told = () =>
    subscribers.flatMap((subscriber) => subscriber.told().filter(({ name }) => name !== anybody));
  await until(() => told().length >= names.length);
  assert.deepEqual(
    told().sort((a, b) => (a.name < b.name ? -1 : 1)),
    names.map((name) => ({ name, color: "red" })),
  );
}
