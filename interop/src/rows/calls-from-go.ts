import assert from "node:assert/strict";
import type { GoCall, GoOutcome } from "../go-client.ts";
import type { Rows } from "./rows.ts";

/** A service of ours, as a Go client calls it. */
export interface SeenByGo {
  readonly name: string;
  call(endpoint: string, more?: Partial<GoCall>): Promise<GoOutcome>;
}

/** Rows of the tables: what a Go client asks our service. Each throws when something else comes than one should expect. */
export const callsFromGo: Rows<SeenByGo> = {
  async unary({ call }) {
    const requests = [{ name: "John", fullName: "John Doe", count: -1 }];
    const { answers } = await call("Greeter.Hello", { requests });
    assert.deepEqual(answers, [{ name: "Hello John", fullName: "John Doe", count: -1 }]);
  },

  async "numbers of 64 bits"({ call }) {
    for (const id of ["5", "9007199254740993", "-9223372036854775808"]) {
      const { answers } = await call("Greeter.Hello", { requests: [{ id }] });
      assert.deepEqual(answers, [{ name: "Hello ", id }]);
    }
  },

  async "empty and 1 MiB bodies"({ call }) {
    assert.deepEqual((await call("Greeter.Hello")).answers, [{ name: "Hello " }]);
    const data = Buffer.alloc(1024 * 1024, 7).toString("base64");
    const { answers } = await call("Greeter.Hello", { requests: [{ data }] });
    assert.deepEqual(answers, [{ name: "Hello ", data }]);
  },

  async "64 calls in flight"({ call }) {
    const { answers, error, text } = await call("Greeter.Hello", { calls: 64, requests: [{ count: 5 }] });
    assert.deepEqual([error, text], [null, ""]);
    assert.deepEqual(answers, Array(64).fill({ name: "Hello ", count: 5 }));
  },

  async "error of a handler"({ call }) {
    const { error } = await call("Greeter.Fail");
    assert.deepEqual(error, { id: "greeter.users", code: 404, detail: "no such user", status: "Not Found" });
  },

  async panic({ name, call }) {
    const { error } = await call("Greeter.Panic");
    assert.deepEqual(error, { id: name, code: 500, detail: "out of tea", status: "Internal Server Error" });
  },

  async metadata({ call }) {
    const metadata = { "X-Color": "red", "Micro-Trace": "größer" };
    for (const [name, value] of [
      ["x-color", "red"],
      ["Micro-Trace", "größer"],
    ]) {
      const { answers } = await call("Greeter.Metadata", { metadata, requests: [{ name }] });
      assert.deepEqual(answers, [{ name: value }]);
    }
  },

  async timeout({ call }) {
    const { error } = await call("Greeter.Sleep", { timeout: "300ms", requests: [{ count: 60_000 }] });
    assert.equal(error?.code, 408, JSON.stringify(error));
  },

  async "deadline carried on"({ call }) {
    const { answers } = await call("Greeter.Deadline", { timeout: "15s" });
    const [{ count } = { count: 0 }] = answers as { count: number }[];
    assert.ok(count > 5_000 && count <= 15_000, `${count} ms`);
  },

  async "server stream"({ call }) {
    const { answers, error, text } = await call("Greeter.Count", { stream: true, requests: [{ count: 3 }] });
    assert.deepEqual(answers, [{ count: 1 }, { count: 2 }, { count: 3 }]);
    assert.deepEqual([error, text], [null, ""]);
  },

  async "client stream"({ call }) {
    const requests = [{ count: 1 }, { count: 2 }, { count: 3 }];
    const { answers, error, text } = await call("Greeter.Total", { stream: true, closeSend: true, requests });
    assert.deepEqual(answers, [{ count: 6 }]);
    assert.deepEqual([error, text], [null, ""]);
  },

  async "stream both ways, an answer at a time"({ call }) {
    const requests = [{ name: "a" }, { name: "b" }];
    const { answers, text } = await call("Greeter.Chat", { stream: true, expect: 2, requests });
    assert.equal(text, "");
    assert.deepEqual(answers, [{ name: "Hello a" }, { name: "Hello b" }]);
  },

  async "its end told by the client"({ call }) {
    const requests = [{ name: "a" }, { name: "b" }];
    const { answers, error, text } = await call("Greeter.Chat", { stream: true, closeSend: true, requests });
    assert.deepEqual(answers, [{ name: "Hello a" }, { name: "Hello b" }]);
    assert.deepEqual([error, text], [null, ""]);
  },

  async "error within a stream"({ call }) {
    const requests = [{ name: "a" }, { name: "fail" }];
    const { answers, error } = await call("Greeter.Chat", { stream: true, requests });
    assert.deepEqual(answers, [{ name: "Hello a" }]);
    assert.deepEqual(error, { id: "greeter.chat", code: 409, detail: "enough", status: "Conflict" });
  },

  async "unknown service"({ name, call }) {
    const { error } = await call("Greeter.Hello", { service: `${name}.nope`, unknown: true });
    assert.equal(error?.code, 500);
    assert.equal(error.detail, `service ${name}.nope: not found`);
  },
};

/** That of codecs that are JSON. */
export const plainCallsFromGo: Rows<SeenByGo> = {
  async "unary, no schema"({ call }) {
    const { answers } = await call("Plain.Hello", { requests: [{ name: "John" }] });
    assert.deepEqual(answers, [{ name: "Hello John" }]);
  },
};
