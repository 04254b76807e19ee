/** go-micro v2.9.1's client with `--client=mucp` and our mucp server, by each codec. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { tlsFixture } from "@ts-micro/conformance";
import { newService, type Service } from "ts-micro";
import { newHttpTransport } from "ts-micro/transport";
import type { GoCall, GoOutcome } from "../src/go-client.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { pemFile } from "../src/pem-file.ts";
import { type CodecName, codecs } from "../src/v2/codecs.ts";
import { goCall } from "../src/v2/go-client.ts";
import { serveGreeter } from "../src/v2/greeter.ts";

const flags = ["--client=mucp"];

async function serveOurs(options: { secure?: boolean } = {}): Promise<Service> {
  const service = newService({
    name: newName(),
    ...(options.secure === true && {
      transport: (given) => newHttpTransport({ ...given, tls: tlsFixture("server") }),
    }),
    argv: ["--server=mucp", "--server_address=127.0.0.1:0"],
    env: { MICRO_LOG_LEVEL: "error" },
  });
  serveGreeter(service);
  await service.init();
  await service.start();
  return service;
}

/** Its mucp client gives an error that was sent to it as text, in JSON, which a Go program passes to `errors.Parse`. */
function errorOf({ error, text }: GoOutcome): object {
  return error ?? JSON.parse(text);
}

describe("a go-micro v2.9.1 client with mucp and our service", {
  skip: goProgram("v2", "client").skip,
}, () => {
  let ours: Service;
  let secure: Service;
  before(async () => {
    [ours, secure] = await Promise.all([serveOurs(), serveOurs({ secure: true })]);
  });
  after(() => Promise.all([ours.stop(), secure.stop()]));

  for (const [codec, contentType] of codecs) {
    const is = (...names: CodecName[]): boolean => names.includes(codec);
    const cell = (row: string, note = ""): string =>
      `${row}: Go → ts-micro, ${codec}${note === "" ? "" : ` [${note}]`}`;
    const call = (endpoint: string, more: Partial<GoCall> = {}, ca?: string): Promise<GoOutcome> =>
      goCall({ service: ours.options.name, endpoint, contentType, ...more }, flags, ca);

    test(cell("unary"), async () => {
      const { answers } = await call("Greeter.Hello", {
        requests: [{ name: "John", fullName: "John Doe", count: -1 }],
      });
      assert.deepEqual(answers, [{ name: "Hello John", fullName: "John Doe", count: -1 }]);
    });

    if (is("JSON", "json-rpc")) {
      test(cell("unary, a handler without a schema"), async () => {
        const { answers } = await call("Plain.Hello", { requests: [{ name: "John" }] });
        assert.deepEqual(answers, [{ name: "Hello John" }]);
      });
    }

    test(cell("empty and 1 MiB bodies"), async () => {
      assert.deepEqual((await call("Greeter.Hello")).answers, [{ name: "Hello " }]);
      const data = Buffer.alloc(1024 * 1024, 7).toString("base64");
      const { answers } = await call("Greeter.Hello", { requests: [{ data }] });
      assert.deepEqual(answers, [{ name: "Hello ", data }]);
    });

    test(cell("64 calls in flight"), async () => {
      const outcome = await call("Greeter.Hello", { calls: 64, requests: [{ count: 5 }] });
      assert.deepEqual([outcome.error, outcome.text], [null, ""]);
      assert.deepEqual(outcome.answers, Array(64).fill({ name: "Hello ", count: 5 }));
    });

    test(cell("error of a handler"), async () => {
      assert.deepEqual(errorOf(await call("Greeter.Fail")), {
        id: "greeter.users",
        code: 404,
        detail: "no such user",
        status: "Not Found",
      });
    });

    test(cell("panic"), async () => {
      assert.deepEqual(errorOf(await call("Greeter.Panic")), {
        id: ours.options.name,
        code: 500,
        detail: "out of tea",
        status: "Internal Server Error",
      });
    });

    test(cell("metadata"), async () => {
      const metadata = { "X-Color": "red", "Micro-Trace": "größer" };
      for (const [name, value] of [
        ["x-color", "red"],
        ["Micro-Trace", "größer"],
      ]) {
        const { answers } = await call("Greeter.Metadata", { metadata, requests: [{ name }] });
        assert.deepEqual(answers, [{ name: value }]);
      }
    });

    test(cell("timeout"), async () => {
      const { error } = await call("Greeter.Sleep", { timeout: "300ms", requests: [{ count: 60_000 }] });
      assert.equal(error?.code, 408, JSON.stringify(error));
    });

    test(cell("deadline carried on"), async () => {
      const { answers } = await call("Greeter.Deadline", { timeout: "15s" });
      const [{ count } = { count: 0 }] = answers as { count: number }[];
      assert.ok(count > 0 && count <= 15_000, `${count} ms`);
    });

    test(cell("server stream"), async () => {
      const { answers, text } = await call("Greeter.Count", { stream: true, requests: [{ count: 3 }] });
      assert.equal(text, "");
      assert.deepEqual(answers, [{ count: 1 }, { count: 2 }, { count: 3 }]);
    });

    test(cell("stream both ways, an answer at a time"), async () => {
      const requests = [{ name: "a" }, { name: "b" }];
      const { answers, text } = await call("Greeter.Chat", { stream: true, expect: 2, requests });
      assert.equal(text, "");
      assert.deepEqual(answers, [{ name: "Hello a" }, { name: "Hello b" }]);
    });

    test(cell("error within a stream"), async () => {
      const requests = [{ name: "a" }, { name: "fail" }];
      const outcome = await call("Greeter.Chat", { stream: true, requests });
      assert.deepEqual(outcome.answers, [{ name: "Hello a" }]);
      assert.deepEqual(errorOf(outcome), {
        id: "greeter.chat",
        code: 409,
        detail: "enough",
        status: "Conflict",
      });
    });

    test(cell("unknown service"), async () => {
      const service = `${ours.options.name}.nope`;
      const { error } = await call("Greeter.Hello", { service, unknown: true });
      assert.equal(error?.code, 500);
      assert.equal(error.detail, `service ${service}: not found`);
    });

    test(cell("unknown endpoint and method"), async () => {
      // The same words as a Go server's, which are no `errors.Error` there either.
      assert.equal((await call("Nope.Hello")).text, "rpc: can't find service Nope");
      assert.equal((await call("Greeter.Nope")).text, "rpc: can't find method Nope");
    });

    test(cell("TLS"), async () => {
      const more = { service: secure.options.name, requests: [{ name: "John" }] };
      assert.deepEqual((await call("Greeter.Hello", more, pemFile("ca"))).answers, [{ name: "Hello John" }]);
    });
  }
});
