/** mucp over HTTP, which go-micro v2.9.1 speaks with `--server=mucp` and `--client=mucp`, by each codec. */
import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import type { CodecName } from "../src/codecs.ts";
import { failsWith } from "../src/fails-with.ts";
import { v2 } from "../src/go-micro.ts";
import { callRows } from "../src/rows/call-rows.ts";
import { chat, type SeenByOurs } from "../src/rows/calls-by-ours.ts";
import { ourCaller } from "../src/rows/greeters.ts";
import { noCloseSend } from "../src/rows/no-close-send.ts";
import type { Deviations } from "../src/rows/rows.ts";

/** What v2.9.1 never answers ends so, after a time that a working call doesn't take. */
const unanswered = { timeoutMs: 2_000, retries: 0 };

const service: Deviations<SeenByOurs> = {
  panic: ["N7", ({ greeter }) => failsWith(() => greeter.panic({}, unanswered), { code: 408 })],

  "its end told by the client": [
    "N9",
    async ({ name, options }) => {
      await using hasty = await ourCaller("mucp", { timeout: "2s" });
      const call = { ...options, service: name, endpoint: "Greeter.Chat", timeoutMs: 20_000 };
      const stream = await hasty.client.stream<Uint8Array, Uint8Array>(call);
      await stream.end();
      await failsWith(() => stream[Symbol.asyncIterator]().next(), { code: 408 });
    },
  ],
};

/** What its protobuf codec can't write besides. */
const withProtobuf: Deviations<SeenByOurs> = {
  "error of a handler": ["N6", ({ greeter }) => failsWith(() => greeter.fail({}, unanswered), { code: 408 })],

  "error within a stream": [
    "N6",
    async ({ greeter }) => {
      const names: string[] = [];
      const converse = async (): Promise<void> => {
        for await (const name of chat(greeter, ["a", "fail"], unanswered)) names.push(name);
      };
      await failsWith(converse, { code: 408 });
      assert.deepEqual(names, ["Hello a"]);
    },
  ],

  "unknown endpoint and method": [
    "N6",
    async ({ caller, name, options }) => {
      for (const endpoint of ["Nope.Hello", "Greeter.Nope"]) {
        const call = { ...options, ...unanswered, service: name, endpoint };
        await failsWith(() => caller.client.call(call), { code: 408 });
      }
    },
  ],
};

/** Answers are written over others that aren't sent yet. */
function serverStream(codec: CodecName): Deviations<SeenByOurs>[string] {
  const run = async ({ greeter }: SeenByOurs): Promise<void> => {
    const counts: number[] = [];
    try {
      for await (const { count } of greeter.count({ count: 3 })) {
        // With protobuf its end never comes.
        if (counts.push(count) === 3 && codec === "protobuf") break;
      }
    } catch (thrown) {
      // In json-rpc and proto-rpc the end of the stream has a body, which may be written over an answer.
      assert.ok(codec.endsWith("-rpc") && MicroError.is(thrown), String(thrown));
      assert.equal(thrown.reason, "decode-failed", String(thrown));
      return;
    }
    assert.equal(counts.length, 3);
    for (const [index, count] of counts.entries())
      assert.ok(count > index && count <= 3, `answers ${counts}`);
  };
  return ["N8", run];
}

callRows(v2, "mucp", {
  service: (codec) => ({
    ...service,
    "server stream": serverStream(codec),
    ...(codec === "protobuf" && withProtobuf),
  }),
  client: () => noCloseSend,
});
