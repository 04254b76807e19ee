/** Whoever may publish to an end's subject may send it anything. */
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { nats } from "@ts-micro/conformance";
import { fuzzTest, mutated } from "@ts-micro/fuzz";
import { all, Streams, until } from "./streams.ts";

describe("connections of bytes", { skip: nats().skip }, () => {
  let streams: Streams;
  before(async () => {
    streams = await Streams.start();
  });
  after(() => streams?.[Symbol.asyncDispose]());

  fuzzTest("no frames of a stranger end the process", { rounds: 60 }, async (random) => {
    const end = await streams.byHand();
    end.stream.on("error", () => {}).resume();
    const good = [
      "B\0\0\0\0abc",
      "B\0\0\0\x01",
      "T\0\0\0\x02\0\0\0\0",
      'X{"code":503,"detail":"x"}',
      "E\0\0\0\x02",
    ];
    for (const text of good) end.send(mutated(random, Buffer.from(text, "latin1"), good));
    await streams.flush();
    end.stream.destroy();
    await until(() => end.stream.closed);
    const [client, peer] = await streams.pair();
    client.end("still there");
    assert.equal(String(await all(peer)), "still there");
    peer.end();
    client.resume();
    await until(() => client.closed);
  });
});
