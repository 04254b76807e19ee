import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import {
  decodeMeta,
  encodeFrame,
  type Frame,
  FrameReader,
  readPayload,
  splitBody,
} from "@ts-micro/brpc-wire";
import { type RunningEcho, startEcho } from "./echo.ts";
import { RawPeer, type Received } from "./raw-peer.ts";

interface Recorded {
  name: string;
  request: string;
  response: string | null;
}

const fixture = new URL("../../../../packages/brpc-wire/fixtures/brpc-frames.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, "utf8")) as { cases: Recorded[] };

const requestOf = (name: string): string => cases.find((each) => each.name === name)?.request ?? "";

/** The recorded frames, with the address of the server that is tested in their texts. */
function recordedFrames(hex: string, address: string): Frame[] {
  const frames: Frame[] = [];
  const take = (frame: Frame): void => {
    const meta = decodeMeta(frame.meta);
    if (meta.response?.errorText !== undefined) {
      meta.response.errorText = meta.response.errorText.replaceAll("127.0.0.1:8000", address);
    }
    const bytes = encodeFrame(meta, frame.body);
    const end = 12 + bytes.readUInt32BE(8);
    frames.push({ meta: bytes.subarray(12, end), body: bytes.subarray(end) });
  };
  new FrameReader({ maxBodyBytes: 1 << 20 }).read(Buffer.from(hex, "hex"), take);
  return frames;
}

/** What a frame says, however it is compressed and in whatever order its user fields stand. */
function meaning(frame: Frame): unknown {
  const meta = decodeMeta(frame.meta);
  const { payload, attachment } = splitBody(frame, meta) ?? assert.fail("a bad attachment_size");
  const message = Buffer.from(readPayload(meta, payload, attachment, 1 << 20)).toString("latin1");
  return { ...meta, userFields: [...(meta.userFields ?? [])].sort(), message, attachment };
}

/** Not the same bytes, but the same meaning: zlib's output is free, and so is the order in a map. */
const free = new Set(["gzip", "zlib", "gzip+attachment", "meta"]);

/** A JSON caller is answered in JSON here (docs/decisions/0324-answers-like-questions.md), and text is not spoken. */
const otherwise = new Set(["json", "protojson", "text"]);

/** What bRPC closes the connection for. */
const fatal = ["bad magic", "body of 4 GiB", "bad meta"];

describe("what a real bRPC server answered, ours answers", () => {
  let server: RunningEcho;
  before(async () => {
    server = await startEcho();
  });
  after(() => server.stop());

  for (const { name, request, response } of cases) {
    if (response === null || otherwise.has(name)) continue;
    test(name, { timeout: 30_000 }, async () => {
      const peer = new RawPeer(server.address);
      peer.write(request);
      const expected = recordedFrames(response, server.address);
      const received: Received[] = [];
      for (const _ of expected) received.push(await peer.next());
      const byId = (a: Frame, b: Frame): number => Buffer.compare(a.meta, b.meta);
      const see = free.has(name)
        ? meaning
        : ({ meta, body }: Frame) => [meta.toString("hex"), body.toString("hex")];
      assert.deepEqual(received.sort(byId).map(see), expected.sort(byId).map(see));
      // The connection stays open.
      peer.write(requestOf("plain"));
      assert.equal((await peer.next()).rpc.response?.errorCode, 0);
      peer.socket.destroy();
    });
  }

  for (const name of fatal) {
    test(`${name}: the connection is closed, and the server goes on`, { timeout: 30_000 }, async () => {
      server.logged.length = 0;
      const peer = new RawPeer(server.address);
      peer.write(requestOf(name));
      await peer.closed;
      assert.match(server.logged.join(""), /closed the connection: /);
      const other = new RawPeer(server.address);
      other.write(requestOf("plain"));
      assert.equal((await other.next()).rpc.response?.errorCode, 0);
      other.socket.destroy();
    });
  }

  test("meta longer than body: the frame is passed over, the next one answered", {
    timeout: 30_000,
  }, async () => {
    const peer = new RawPeer(server.address);
    peer.write(requestOf("meta longer than body"));
    peer.write(requestOf("plain"));
    assert.equal((await peer.next()).body.subarray(2).toString(), "plain");
    peer.socket.destroy();
  });

  for (const name of ["json", "protojson"]) {
    test(`${name}: the answer is JSON too`, { timeout: 30_000 }, async () => {
      const peer = new RawPeer(server.address);
      peer.write(requestOf(name));
      const { rpc, body } = await peer.next();
      assert.deepEqual(JSON.parse(body.toString()), { message: name });
      assert.equal(rpc.contentType, name === "json" ? 1 : 2);
      peer.socket.destroy();
    });
  }

  test("text: protobuf's text format is refused", { timeout: 30_000 }, async () => {
    const peer = new RawPeer(server.address);
    peer.write(requestOf("text"));
    const { response } = (await peer.next()).rpc;
    assert.equal(response?.errorCode, 1003);
    assert.match(
      response?.errorText ?? "",
      /Fail to parse request=example.EchoRequest, ContentType=proto-text/,
    );
    peer.socket.destroy();
  });

  test("byte by byte it is the same", { timeout: 30_000 }, async () => {
    const peer = new RawPeer(server.address);
    for (const byte of Buffer.from(requestOf("attachment"), "hex")) {
      peer.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    const { rpc, body } = await peer.next();
    assert.equal(rpc.attachmentSize, 28);
    assert.equal(body.subarray(-28).toString(), "raw bytes beside the message");
    peer.socket.destroy();
  });

  test("a caller that leaves in the middle of a frame", { timeout: 30_000 }, async () => {
    server.logged.length = 0;
    const peer = new RawPeer(server.address);
    peer.write(requestOf("plain").slice(0, 60));
    peer.socket.end();
    await peer.closed;
    assert.match(server.logged.join(""), /in the middle of a frame/);
  });
});
