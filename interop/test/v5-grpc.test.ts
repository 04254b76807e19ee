/** gRPC, which go-micro's modern line speaks with `--server=grpc` and `--client=grpc`. */
import assert from "node:assert/strict";
import { v5 } from "../src/go-micro.ts";
import { callRows } from "../src/rows/call-rows.ts";
import type { SeenByOurs } from "../src/rows/calls-by-ours.ts";
import type { SeenByGo } from "../src/rows/calls-from-go.ts";
import { errorAsText } from "../src/rows/error-as-text.ts";
import type { Deviations } from "../src/rows/rows.ts";

const service: Deviations<SeenByOurs> = {
  metadata: [
    "V6",
    async ({ greeter }) => {
      const metadata = { "X-Color": "red", "X-Shade": "größer" };
      assert.equal((await greeter.metadata({ name: "x-color" }, { metadata })).name, "red");
      assert.equal((await greeter.metadata({ name: "x-shade" }, { metadata })).name, "größer");
      assert.equal((await greeter.metadata({ name: "X-Color" }, { metadata })).name, "");
    },
  ],
};

const client: Deviations<SeenByGo> = {
  metadata: [
    "V7",
    async ({ call }) => {
      const about = (key: string, value: string) =>
        call("Greeter.Metadata", { metadata: { [key]: value }, requests: [{ name: key }] });
      assert.deepEqual((await about("X-Color", "red")).answers, [{ name: "red" }]);
      const { error } = await about("X-Shade", "größer");
      assert.match(
        error?.detail ?? "",
        /header key "x-shade" contains value with non-printable ASCII characters/,
      );
    },
  ],
  "error within a stream": ["V8", errorAsText],
};

callRows(v5, "grpc", { service: () => service, client: () => client });
