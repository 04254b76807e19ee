/** gRPC, the default of go-micro v2.9.1. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { failsWith } from "../src/fails-with.ts";
import { v2 } from "../src/go-micro.ts";
import { newName } from "../src/new-name.ts";
import { callRows } from "../src/rows/call-rows.ts";
import { seenByOurs } from "../src/rows/calls-by-ours.ts";
import type { SeenByGo } from "../src/rows/calls-from-go.ts";
import { errorAsText } from "../src/rows/error-as-text.ts";
import { goGreeter, ourCaller } from "../src/rows/greeters.ts";
import { noCloseSend } from "../src/rows/no-close-send.ts";
import type { Deviations } from "../src/rows/rows.ts";

const client: Deviations<SeenByGo> = {
  ...noCloseSend,

  timeout: [
    "N1",
    async ({ call }) => {
      const { error } = await call("Greeter.Sleep", { timeout: "300ms", requests: [{ count: 60_000 }] });
      assert.ok(error?.code === 408 || error?.code === 500, JSON.stringify(error));
      assert.ok(/deadline exceeded/i.test(error.detail ?? ""), JSON.stringify(error));
    },
  ],

  "error within a stream": ["N3", errorAsText],

  "unknown endpoint and method": [
    "N4",
    async ({ call }) => {
      const asInGo = (detail: string) => {
        return { id: "go.micro.client", code: 500, detail, status: "Internal Server Error" };
      };
      assert.deepEqual((await call("Nope.Hello")).error, asInGo("unknown service Nope"));
      assert.deepEqual((await call("Greeter.Nope")).error, asInGo("unknown service Greeter.Nope"));
    },
  ],
};

callRows(v2, "grpc", { service: () => ({}), client: () => client });

describe("over TLS in the way of go-micro's generic option", { skip: v2.program("server").skip }, () => {
  test("TLS without ALPN: ts-micro → Go, protobuf", async () => {
    const name = newName();
    const how = { secure: true, env: { TLS_OPTION: "server" } };
    await using _ = await goGreeter(v2, "grpc", name, how);
    await using caller = await ourCaller("grpc", { secure: true });
    const { greeter } = seenByOurs(caller, name, { contentType: "application/grpc+proto" });
    assert.equal((await greeter.hello({ name: "John" })).name, "Hello John");
    await failsWith(() => greeter.fail({}), { id: "greeter.users", code: 404, detail: "no such user" });
  });
});
