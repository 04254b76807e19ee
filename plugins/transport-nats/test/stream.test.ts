/** Connections of bytes: what a protocol with frames of its own has instead of a socket. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { nats } from "@ts-micro/conformance";
import { MicroError } from "ts-micro";
import { letters } from "../src/stream-wire.ts";
import { all, alpn, Streams, until } from "./streams.ts";

/** The error that a stream ends with; `undefined` when it ends well. */
async function endOf(stream: Duplex): Promise<Error | undefined> {
  let failure: Error | undefined;
  stream.on("error", (error) => {
    failure = error;
  });
  stream.resume();
  if (!stream.closed) await new Promise((resolve) => stream.once("close", resolve));
  return failure;
}

describe("connections of bytes", { skip: nats().skip, timeout: 120_000 }, () => {
  let streams: Streams;
  before(async () => {
    streams = await Streams.start();
  });
  after(() => streams?.[Symbol.asyncDispose]());

  test("bytes come as they were written, however many, and each side ends by itself", async () => {
    const [client, peer] = await streams.pair();
    const [out, back] = [randomBytes(9 * 1024 * 1024), randomBytes(300_000)];
    const arrivedOut = all(peer);
    for (let at = 0; at < out.length; at += 1_234_567) client.write(out.subarray(at, at + 1_234_567));
    client.end();
    assert.ok((await arrivedOut).equals(out));
    const arrivedBack = all(client);
    peer.cork();
    peer.write("text, ");
    peer.write(back);
    peer.uncork();
    peer.end();
    assert.ok((await arrivedBack).equals(Buffer.concat([Buffer.from("text, "), back])));
    await until(() => client.closed && peer.closed);
    assert.deepEqual([client.errored, peer.errored], [null, null]);
  });

  test("a reader that doesn't read holds the writer, and lets it go on", async () => {
    const [client, peer] = await streams.pair();
    const out = randomBytes(4 * 1024 * 1024);
    const written: number[] = [];
    for (let part = 0; part < 16; part++) {
      client.write(out.subarray(part * 262_144, (part + 1) * 262_144), () => void written.push(part));
    }
    // The server has passed on what was sent when it answers what was sent behind it.
    for (const _ of [1, 2]) {
      const answered = await streams.connect(await streams.listen((stream) => stream.resume().end()));
      assert.equal(await endOf(answered.end()), undefined);
    }
    assert.ok(written.length > 0 && written.length < 8, `${written.length} of 16 parts were written`);
    client.end();
    assert.ok((await all(peer)).equals(out));
    assert.equal(written.length, 16);
    peer.destroy();
    client.destroy();
  });

  test("where messages are lost a writer goes on once it hears how much was taken, be it the last word", async () => {
    const out = randomBytes(4 * 1024 * 1024);
    let lost = 0;
    // All that the window is given back with, twice.
    const [client, peer] = await streams.lossyPair((frame) => frame[0] === letters.taken && lost++ < 8);
    client.end(out);
    assert.ok((await all(peer)).equals(out));
    assert.ok(lost >= 8, `${lost} were lost`);
    peer.destroy();
    client.destroy();
  });

  for (const last of ["bytes", "end"] as const)
    test(`the last frame of ${last} is missed when it is lost, though nothing comes behind it`, async () => {
      const [client, peer] = await streams.lossyPair((frame) => frame[0] === letters[last]);
      const ended = [endOf(client), endOf(peer)];
      if (last === "bytes") client.write("lost");
      else client.end("read");
      for (const error of await Promise.all(ended)) {
        assert.ok(MicroError.is(error), String(error));
        assert.deepEqual([error.code, error.reason], [503, "connection-lost"]);
        assert.match(error.detail, /one was lost/);
      }
    });

  test("what has come is read in peace when both have said all", async () => {
    const [client, peer] = await streams.pair();
    const out = randomBytes(900_000);
    client.end(out);
    peer.end();
    client.resume();
    await until(() => client.closed);
    const pieces: Buffer[] = [];
    for await (const piece of peer) {
      pieces.push(piece);
      // Long enough for asking whether the other end is there.
      await pause(250);
    }
    assert.ok(Buffer.concat(pieces).equals(out));
    assert.equal(peer.errored, null);
  });

  test("a connection that ends tells each write that was not done", async () => {
    for (const end of [
      (stream: Duplex) => (stream as Duplex & { lose(why: string): void }).lose("for the test"),
      (stream: Duplex) => stream.destroy(),
      (stream: Duplex) => stream.destroy(new Error("for the test")),
    ]) {
      const [client, peer] = await streams.pair();
      for (const each of [client, peer]) each.on("error", () => {});
      const told: unknown[] = [];
      // The window has room for a part of the first; the others wait behind it.
      for (const size of [4 * 1024 * 1024, 10, 10])
        client.write(Buffer.alloc(size), (error) => void told.push(error));
      end(client);
      await until(() => told.length === 3);
      assert.ok(
        told.every((error) => error instanceof Error),
        String(told),
      );
      await until(() => client.closed && peer.closed);
    }
  });

  test("an end that is destroyed takes the other one with it", async () => {
    const [client, peer] = await streams.pair();
    const ended = endOf(peer);
    client.destroy();
    const error = await ended;
    assert.ok(MicroError.is(error));
    assert.deepEqual([error.code, error.reason], [503, "connection-lost"]);
    // Who comes too late learns it from the first thing that is said.
    const [lost, gone] = await streams.pair();
    const late = endOf(lost);
    gone.on("error", () => {});
    (gone as Duplex & { lose(why: string): void }).lose("for the test");
    lost.write("anybody?");
    assert.ok(MicroError.is(await late));
  });

  test("where nobody takes bytes, or speaks the protocol, connecting fails with the reason", async () => {
    const accept = () => ({ message() {}, close() {} });
    const plain = await streams.transport.listen("no-protocols", accept);
    const other = await streams.listen(() => {});
    for (const [address, wanted, text] of [
      ["nobody", alpn, /could not dial nobody: nothing that takes connections of bytes listens there/],
      [plain.address, alpn, /nothing that takes connections of bytes/],
      [other, ["h2", "x"], /none of the protocols h2, x is spoken there/],
      ["a b", alpn, /it is not a subject of NATS/],
    ] as const) {
      await assert.rejects(
        streams.connect(address, wanted),
        (thrown: unknown) =>
          MicroError.is(thrown) && thrown.reason === "connection-failed" && text.test(thrown.detail),
      );
    }
    await assert.rejects(streams.connect(other, alpn, AbortSignal.abort()), { code: 499 });
  });

  test("whoever sends no frames, loses one, or sends more than was allowed, is cut off", async () => {
    const frame = (letter: string, number: number, size = 0) => {
      const bytes = Buffer.alloc(5 + size);
      bytes.write(letter);
      bytes.writeUInt32BE(number, 1);
      return bytes;
    };
    const taken = (number: number, total: number) =>
      Buffer.concat([frame("T", number), Buffer.from([0, 0, 0, total])]);
    for (const [frames, text] of [
      [[Buffer.from("?")], /a frame can't begin with 63/],
      [[frame("B", 0, 3), frame("B", 2, 3)], /frame 2 came instead of 1: one was lost/],
      [[frame("E", 0), frame("B", 1, 3)], /bytes came behind the end/],
      [[frame("E", 0), frame("E", 1)], /it ended twice/],
      [[taken(0, 9)], /more was taken than was sent/],
      // It goes back: as 32 bits this is nearly 4 GiB.
      [[taken(0, 5), taken(0, 4)], /more was taken than was sent/],
      [[taken(1, 0)], /frame 1 came instead of 0: one was lost/],
      [[frame("B", 0, 3), taken(0, 0)], /frame 0 came instead of 1/],
      [[frame("B", 0)], /a frame of bytes can't have 5/],
      [[Buffer.from("B")], /a frame of bytes can't have 1/],
      [[Buffer.from("E00")], /an end can't have 3 bytes/],
      [[frame("T", 0)], /a frame of what was taken can't have 5 bytes/],
      [[frame("T", 0, 5)], /a frame of what was taken can't have 10 bytes/],
      [[Buffer.alloc(0)], /a frame can't begin with undefined/],
      [[Buffer.from("Xnull")], /sent something that is not a frame/],
      [Array.from({ length: 6 }, (_, number) => frame("B", number, 262_144)), /more than was allowed/],
      [Array.from({ length: 100_000 }, (_, number) => frame("B", number, 1)), /too many small frames/],
    ] as const) {
      const end = await streams.byHand();
      end.stream.write("five.");
      let failure: Error | undefined;
      end.stream.on("error", (error) => {
        failure = error;
      });
      for (const [index, each] of frames.entries()) {
        end.send(each);
        // Nothing is heard while very many are written, and other connections would be taken for silent.
        if (index % 1_000 === 999) await pause(1);
      }
      await until(() => end.stream.closed);
      assert.ok(MicroError.is(failure) && text.test(failure.detail), String(failure));
      await until(() => end.frames.some((told) => told.startsWith('X{"code":503,')));
    }
  });
});
