/** mucp over HTTP, the default of go-micro's modern line, in all the codecs that it has for messages. */
import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import { failsWith } from "../src/fails-with.ts";
import { v5 } from "../src/go-micro.ts";
import { callRows } from "../src/rows/call-rows.ts";
import { chat, type SeenByOurs } from "../src/rows/calls-by-ours.ts";
import type { SeenByGo } from "../src/rows/calls-from-go.ts";
import type { Deviations } from "../src/rows/rows.ts";

const service: Deviations<SeenByOurs> = {
  panic: ["V1", ({ greeter }) => failsWith(() => greeter.panic({}, { timeoutMs: 1_000 }), { code: 408 })],

  "server stream": [
    "V2",
    async ({ greeter }) => {
      const counts: number[] = [];
      try {
        for await (const { count } of greeter.count({ count: 3 })) counts.push(count);
      } catch (thrown) {
        // In json-rpc and proto-rpc the end of the stream has a body, which may be written over an answer.
        assert.ok(MicroError.is(thrown) && /is lost|claims/.test(thrown.detail), String(thrown));
        return;
      }
      assert.equal(counts.length, 3);
      assert.ok(
        counts.every((count, index) => count >= index + 1 && count <= 3),
        `${counts}`,
      );
    },
  ],

  "its end told by the client": [
    "V3",
    async ({ greeter }) => {
      const names: string[] = [];
      const converse = async (): Promise<void> => {
        for await (const name of chat(greeter, ["a", "b"], { timeoutMs: 1_000 })) names.push(name);
      };
      await failsWith(converse, { code: 408 });
      assert.deepEqual(names, ["Hello a", "Hello b"]);
    },
  ],
};

const noHalfClose: Deviations<SeenByGo>[string] = [
  "V5",
  async ({ call }) => {
    const requests = [{ count: 1 }, { count: 2 }];
    const { text } = await call("Greeter.Total", { stream: true, closeSend: true, requests });
    assert.equal(text, "streamer not implemented");
  },
];

const client: Deviations<SeenByGo> = {
  "deadline carried on": [
    "V4",
    async ({ call }) => {
      const { answers } = await call("Greeter.Deadline", { timeout: "15s" });
      const [{ count } = { count: 0 }] = answers as { count: number }[];
      assert.ok(count > 0 && count <= 5_000, `${count} ms`);
    },
  ],
  "client stream": noHalfClose,
  "its end told by the client": noHalfClose,
};

callRows(v5, "mucp", { service: () => service, client: () => client });
