import assert from "node:assert/strict";
import type { SeenByGo } from "./calls-from-go.ts";
import type { Deviations, Rows } from "./rows.ts";

const run: Rows<SeenByGo>[string] = async ({ call }) => {
  const { text } = await call("Greeter.Total", { stream: true, closeSend: true, requests: [{ count: 1 }] });
  assert.equal(text, "the stream has no CloseSend");
};

/** A client of v2.9.1's has no way to say that it sends no more and still receive. */
export const noCloseSend: Deviations<SeenByGo> = {
  "client stream": ["N2", run],
  "its end told by the client": ["N2", run],
};
