import assert from "node:assert/strict";
import type { SeenByGo } from "./calls-from-go.ts";

/** How Go's gRPC clients get an error within a stream: gRPC's own, with go-micro's as JSON in its text. */
export async function errorAsText({ call }: SeenByGo): Promise<void> {
  const requests = [{ name: "a" }, { name: "fail" }];
  const { answers, error, text } = await call("Greeter.Chat", { stream: true, requests });
  assert.deepEqual(answers, [{ name: "Hello a" }]);
  assert.equal(error, null);
  const [, made] = /^rpc error: code = AlreadyExists desc = (.*)$/.exec(text) ?? [];
  const expected = { id: "greeter.chat", code: 409, detail: "enough", status: "Conflict" };
  assert.deepEqual(JSON.parse(made ?? text), expected);
}
