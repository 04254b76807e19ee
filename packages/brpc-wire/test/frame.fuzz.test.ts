/** What a bRPC peer may send, and what it may not: frames, their meta, what is in them. */
import assert from "node:assert/strict";
import { fuzzTest, mutated, pieces, type Random } from "@ts-micro/fuzz";
import { MicroError } from "ts-micro";
import {
  decodeMeta,
  type Frame,
  FrameReader,
  packFrame,
  RpcMeta,
  RpcRequestMeta,
  readMetadata,
  readPayload,
  splitBody,
} from "../src/index.ts";
import { snappyCompress, snappyDecompress } from "../src/snappy.ts";

const maxBodyBytes = 100_000;
const words = ["PRPC", "\0\0\0\x05\0\0\0\x06", "\xff\xff\xff\xff", "\x0a", "\x12\x80\x80\x80\x80\x10"];

function request(random: Random): Buffer {
  const meta = new RpcMeta();
  meta.request = new RpcRequestMeta();
  meta.request.serviceName = random.text(random.length(40), "aB.é");
  meta.request.methodName = "Echo";
  meta.request.timeoutMs = random.below(2 ** 31);
  meta.correlationId = BigInt(random.below(2 ** 32)) << BigInt(random.below(32));
  meta.userFields = new Map([[random.text(random.length(10), "ab-"), random.text(random.length(50), "x é")]]);
  return packFrame(meta, {
    body: random.bytes(random.length(400)),
    attachment: random.once(2) ? random.bytes(random.length(100)) : undefined,
    compression: random.of(["none", "gzip", "zlib", "snappy"]),
    checksum: random.of(["none", "crc32c"]),
    checksumWithAttachment: random.once(2),
  });
}

function read(cut: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader({ maxBodyBytes });
  for (const piece of cut) reader.read(piece, (frame) => frames.push(frame));
  return frames;
}

function contentOf(frame: Frame): { payload: Buffer; metadata: object } {
  const meta = decodeMeta(frame.meta);
  const { payload, attachment } = splitBody(frame, meta) ?? { payload: frame.body, attachment: frame.body };
  const content = readPayload(meta, payload, attachment, maxBodyBytes);
  assert.ok(content.length <= maxBodyBytes);
  return { payload: Buffer.from(content), metadata: readMetadata(meta) };
}

fuzzTest("frames are the same however they are cut", { rounds: 200 }, (random) => {
  const bytes = Buffer.concat(Array.from({ length: 1 + random.length(8) }, () => request(random)));
  assert.deepEqual(read(pieces(random, bytes)).map(contentOf), read([bytes]).map(contentOf));
});

fuzzTest("random and damaged bytes are frames or an error", { rounds: 700 }, (random) => {
  const sound = Buffer.concat([request(random), request(random), request(random)]);
  const bytes = random.once(4) ? random.bytes(random.length(60)) : mutated(random, sound, words);
  try {
    for (const frame of read(pieces(random, bytes))) contentOf(frame);
  } catch (thrown) {
    const isOfZlib = String((thrown as { code?: unknown }).code).startsWith("Z_");
    const isTooLong = (thrown as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    assert.ok(thrown instanceof RangeError || MicroError.is(thrown) || isOfZlib || isTooLong, String(thrown));
  }
});

fuzzTest("snappy is what was compressed, or an error", { rounds: 300 }, (random) => {
  const text = Buffer.from(random.text(random.length(2_000), "abc "));
  const compressed = snappyCompress(text);
  assert.deepEqual(snappyDecompress(compressed, 1 << 20), text);
  const damaged = random.once(2) ? random.bytes(random.length(60)) : mutated(random, compressed);
  try {
    assert.ok(snappyDecompress(damaged, 1 << 20).length <= 1 << 20);
  } catch (thrown) {
    assert.ok(thrown instanceof RangeError, String(thrown));
  }
});
