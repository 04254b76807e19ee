/** The rows about publishing, between services of ours and of go-micro, whichever broker the flags choose. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { GoMicro } from "../go-micro.ts";
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

/**
 * @param flags those that choose the broker, and the registry
 * @param ourQueueFlags further ones of ours, for a queue that both share
 */
export function publishingRows(
  go: GoMicro,
  flags: () => readonly string[],
  ourQueueFlags: readonly string[] = [],
): void {
  eventRows(go, flags);
  queueRows(go, flags, ourQueueFlags);
}

/** Those of a broker in which go-micro has no queues. */
export function eventRows(go: GoMicro, flags: () => readonly string[]): void {
  const { toGo, fromGo } = go;
  const newTopic = (): Topic => ({ topic: newName(), flags: flags() });

  for (const codec of ["JSON", "protobuf"] as const) {
    const contentType = codec === "JSON" ? "application/json" : "application/protobuf";
    test(`an event with metadata, ${codec}: ${toGo}`, async () => {
      const topic = newTopic();
      await using subscriber = await goSubscriber(go, topic);
      await using publisher = await ourPublisher(topic, contentType);
      await publishAll(publisher, [subscriber]);
    });

    test(`an event with metadata, ${codec}: ${fromGo}`, async () => {
      const topic = newTopic();
      await using subscriber = await ourSubscriber(topic);
      await using publisher = await goPublisher(go, topic, codec === go.publishes ? "default" : contentType);
      await publishAll(publisher, [subscriber]);
    });
  }
}

function queueRows(go: GoMicro, flags: () => readonly string[], ourQueueFlags: readonly string[]): void {
  const { toGo, fromGo } = go;
  const newTopic = (): Topic => ({ topic: newName(), flags: flags() });

  for (const [column, newPublisher] of [
    [toGo, ourPublisher],
    [fromGo, (topic: Topic, contentType: ContentType) => goPublisher(go, topic, contentType)],
  ] as const) {
    test(`a queue with members of both: ${column}`, async () => {
      const topic = newTopic();
      await using theirs = await goSubscriber(go, topic, "mailers");
      await using ours = await ourSubscriber(
        { ...topic, flags: [...topic.flags, ...ourQueueFlags] },
        "mailers",
      );
      await using publisher = await newPublisher(topic, "application/json");
      await publishAll(publisher, [theirs, ours]);
    });
  }
}

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
