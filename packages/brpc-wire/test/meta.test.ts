import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { decodeMeta, encodeFrame, type Frame, FrameReader, splitBody } from "../src/index.ts";

interface Recorded {
  name: string;
  request: string;
  response: string | null;
}

const { cases } = JSON.parse(
  readFileSync(new URL("../../fixtures/brpc-frames.json", import.meta.url), "utf8"),
) as { cases: Recorded[] };

/** Whose bytes are no frame, or whose meta is none. */
const broken = new Set(["bad magic", "meta longer than body", "body of 4 GiB", "bad meta"]);

function framesOf(hex: string): Frame[] {
  const frames: Frame[] = [];
  new FrameReader({ maxBodyBytes: 64 << 20 }).read(Buffer.from(hex, "hex"), (frame) => frames.push(frame));
  return frames;
}

/** Decodes and encodes again everything that a frame holds. */
function again(frame: Frame): Buffer {
  const meta = decodeMeta(frame.meta);
  const split = splitBody(frame, meta);
  if (split === undefined) return encodeFrame(meta, frame.body);
  return encodeFrame(meta, split.payload, split.attachment);
}

describe("frames of a real bRPC server and client", () => {
  for (const { name, request, response } of cases) {
    if (broken.has(name)) continue;
    test(`${name}: the request, read and written again, is the same bytes`, () => {
      const frames = framesOf(request);
      assert.ok(frames.length > 0);
      assert.equal(Buffer.concat(frames.map(again)).toString("hex"), request);
    });
    if (response === null) continue;
    test(`${name}: so is the response`, () => {
      const frames = framesOf(response);
      assert.ok(frames.length > 0);
      assert.equal(Buffer.concat(frames.map(again)).toString("hex"), response);
    });
  }
});
