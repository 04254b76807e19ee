/** The rows about publishing, between services of ours and of go-micro v2.9.1, whichever broker the flags choose. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { newName } from "../new-name.ts";
import { until } from "../until.ts";
import {
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

/** @param flags those that choose the broker, and the registry */
export function publishingRows(flags: () => readonly string[]): void {
  const toGo = "ts-micro → go-micro v2.9.1";
  const fromGo = "go-micro v2.9.1 → ts-micro";
  const newTopic = (): Topic => ({ topic: newName(), flags: flags() });

  for (const [codec, ours, theirs] of [
    ["JSON", "application/json", "application/json"],
    ["protobuf", "application/protobuf", "default"],
  ] as const) {
    test(`an event with metadata, ${codec}: ${toGo}`, async () => {
      const topic = newTopic();
      await using subscriber = await goSubscriber(topic);
      await using publisher = await ourPublisher(topic, ours);
      await publishAll(publisher, [subscriber]);
    });

    test(`an event with metadata, ${codec}: ${fromGo}`, async () => {
      const topic = newTopic();
      await using subscriber = await ourSubscriber(topic);
      await using publisher = await goPublisher(topic, theirs);
      await publishAll(publisher, [subscriber]);
    });
  }

  for (const [column, newPublisher] of [
    [toGo, ourPublisher],
    [fromGo, goPublisher],
  ] as const) {
    test(`a queue with members of both: ${column}`, async () => {
      const topic = newTopic();
      await using go = await goSubscriber(topic, "mailers");
      await using ours = await ourSubscriber(topic, "mailers");
      await using publisher = await newPublisher(topic, "application/json");
      await publishAll(publisher, [go, ours]);
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
