/** Our mucp client and services of go-micro v2.9.1 with `--server=mucp`, by each codec. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { certificate } from "@ts-micro/conformance";
import { MicroError, newService, type Service } from "ts-micro";
import type { TypedClient } from "ts-micro/client";
import { newHttpTransport } from "ts-micro/transport";
import { failsWith } from "../src/fails-with.ts";
import { Greeter } from "../src/gen/greeter/greeter_pb.ts";
import { goProgram } from "../src/go-program.ts";
import { newName } from "../src/new-name.ts";
import { pemFile } from "../src/pem-file.ts";
import { type Running, serve } from "../src/program.ts";
import { type CodecName, codecs } from "../src/v2/codecs.ts";

const goServer = goProgram("v2", "server");
const noSuchUser = { id: "greeter.users", code: 404, detail: "no such user" };
/** What v2.9.1 never answers ends so, after a time that a working call doesn't take. */
const unanswered = { timeoutMs: 2_000, retries: 0 };

function serveGo(name: string, env: Record<string, string> = {}): Promise<Running> {
  // Without the flag its mucp server forgets the name that the program has given it.
  const flags = ["--server=mucp", `--server_name=${name}`, "--server_address=127.0.0.1:0"];
  return serve(goServer.path, flags, /listening on \S+/, { SERVICE: name, ...env });
}

async function newCaller(timeout = "20s"): Promise<Service> {
  const argv = ["--client=mucp", `--client_request_timeout=${timeout}`];
  const service = newService({ name: "interop.caller", argv, env: { MICRO_LOG_LEVEL: "error" } });
  await service.init();
  return service;
}

/** Requests of which each waits until the one before was answered. */
function inTurn(names: readonly string[]) {
  const answered: (() => void)[] = [];
  async function* requests() {
    for (const name of names) {
      yield { name };
      await new Promise<void>((resolve) => answered.push(resolve));
    }
  }
  return { requests: requests(), next: () => answered.shift()?.() };
}

/** Reads answers to the end, or to the number that is known. */
async function read<T>(
  answers: AsyncIterable<T>,
  into: T[],
  known = Number.POSITIVE_INFINITY,
): Promise<void> {
  for await (const answer of answers) if (into.push(answer) >= known) break;
}

describe("our mucp client and a go-micro v2.9.1 service", { skip: goServer.skip }, () => {
  const name = newName();
  const secureName = newName();
  let go: Running;
  let secureGo: Running;
  let service: Service;
  before(async () => {
    const files = { TLS_CERT: pemFile("server"), TLS_KEY: pemFile("server-key") };
    [go, secureGo, service] = await Promise.all([serveGo(name), serveGo(secureName, files), newCaller()]);
  });
  after(async () => {
    await service.stop();
    await go[Symbol.asyncDispose]();
    await secureGo[Symbol.asyncDispose]();
  });

  for (const [codec, contentType] of codecs) {
    const is = (...names: CodecName[]): boolean => names.includes(codec);
    const cell = (row: string, note = ""): string =>
      `${row}: ts-micro → Go, ${codec}${note === "" ? "" : ` [${note}]`}`;
    let greeter: TypedClient<typeof Greeter>;
    before(() => {
      greeter = service.for(Greeter, { service: name, contentType });
    });

    test(cell("unary"), async () => {
      const answer = await greeter.hello({ name: "John", fullName: "John Doe", count: -1 });
      assert.deepEqual([answer.name, answer.fullName, answer.count], ["Hello John", "John Doe", -1]);
    });

    if (is("JSON", "json-rpc")) {
      test(cell("unary, a plain object"), async () => {
        const body = { name: "John", full_name: "John Doe" };
        const answer = await service.client.call({
          service: name,
          endpoint: "Greeter.Hello",
          contentType,
          body,
        });
        assert.deepEqual(answer, { name: "Hello John", full_name: "John Doe" });
      });
    }

    test(cell("empty and 1 MiB bodies"), async () => {
      assert.equal((await greeter.hello({})).name, "Hello ");
      const data = Buffer.alloc(1024 * 1024, 7);
      assert.ok(data.equals((await greeter.hello({ data })).data));
    });

    test(cell("64 calls in flight"), async () => {
      const counts = Array.from({ length: 64 }, (_, index) => index);
      const answers = await Promise.all(counts.map((count) => greeter.hello({ count })));
      assert.deepEqual(
        answers.map(({ count }) => count),
        counts,
      );
    });

    test(cell("error of a handler", is("protobuf") ? "N6" : ""), () =>
      is("protobuf")
        ? failsWith(() => greeter.fail({}, unanswered), { code: 408 })
        : failsWith(() => greeter.fail({}), noSuchUser),
    );

    test(cell("panic", "N7"), () => failsWith(() => greeter.panic({}, unanswered), { code: 408 }));

    test(cell("metadata"), async () => {
      const metadata = { "X-Color": "red", "micro-trace": "größer" };
      assert.equal((await greeter.metadata({ name: "X-Color" }, { metadata })).name, "red");
      assert.equal((await greeter.metadata({ name: "Micro-Trace" }, { metadata })).name, "größer");
    });

    test(cell("timeout"), () =>
      failsWith(() => greeter.sleep({ count: 60_000 }, { timeoutMs: 300, retries: 0 }), { code: 408 }),
    );

    test(cell("deadline carried on"), async () => {
      const { count } = await greeter.deadline({}, { timeoutMs: 15_000 });
      assert.ok(count > 0 && count <= 15_000, `${count} ms`);
    });

    test(cell("server stream", "N8"), async () => {
      const answers: { count: number }[] = [];
      // With protobuf its end never comes.
      const known = is("protobuf") ? 3 : undefined;
      const reading = read(greeter.count({ count: 3 }), answers, known);
      if (is("json-rpc", "proto-rpc")) {
        const failed = await reading.catch((thrown: unknown) => thrown);
        if (failed !== undefined) {
          assert.ok(MicroError.is(failed) && failed.reason === "decode-failed", String(failed));
          return;
        }
      }
      await reading;
      const counts = answers.map(({ count }) => count);
      assert.equal(counts.length, 3);
      for (const [index, count] of counts.entries())
        assert.ok(count > index && count <= 3, `answers ${counts}`);
    });

    test(cell("stream both ways, an answer at a time"), async () => {
      const { requests, next } = inTurn(["a", "b", "c"]);
      const names: string[] = [];
      for await (const { name } of greeter.chat(requests)) {
        if (names.push(name) === 3) break;
        next();
      }
      assert.deepEqual(names, ["Hello a", "Hello b", "Hello c"]);
    });

    test(cell("its end told by the client", "N9"), async () => {
      await using hasty = await newCaller("2s");
      const stream = await hasty.client.stream<Uint8Array, Uint8Array>({
        service: name,
        endpoint: "Greeter.Chat",
        contentType,
        timeoutMs: 20_000,
      });
      await stream.end();
      await failsWith(() => stream[Symbol.asyncIterator]().next(), { code: 408 });
    });

    test(cell("client stream"), async () => {
      assert.equal((await greeter.total([{ count: 2 }, { count: 3 }])).count, 5);
    });

    test(cell("error within a stream", is("protobuf") ? "N6" : ""), async () => {
      const { requests, next } = inTurn(["a", "fail"]);
      const answers: { name: string }[] = [];
      const converse = async (): Promise<void> => {
        for await (const answer of greeter.chat(requests, is("protobuf") ? unanswered : {})) {
          answers.push(answer);
          next();
        }
      };
      await failsWith(
        converse,
        is("protobuf") ? { code: 408 } : { id: "greeter.chat", code: 409, detail: "enough" },
      );
      assert.deepEqual(
        answers.map(({ name }) => name),
        ["Hello a"],
      );
    });

    test(cell("unknown service"), () =>
      failsWith(
        () => service.client.call({ service: `${name}.nope`, endpoint: "Greeter.Hello", contentType }),
        {
          id: "go.micro.client",
          code: 500,
          detail: `service ${name}.nope: not found`,
        },
      ),
    );

    test(cell("unknown endpoint and method", is("protobuf") ? "N6" : ""), async () => {
      const call = (endpoint: string) => () =>
        service.client.call({ service: name, endpoint, contentType, ...(is("protobuf") && unanswered) });
      const asInGo = (detail: string) => (is("protobuf") ? { code: 408 } : { id: "", code: 0, detail });
      await failsWith(call("Nope.Hello"), asInGo("rpc: can't find service Nope"));
      await failsWith(call("Greeter.Nope"), asInGo("rpc: can't find method Nope"));
    });

    test(cell("TLS"), async () => {
      await using secure = newService({
        name: "interop.caller",
        transport: (options) => newHttpTransport({ ...options, tls: { ca: certificate("ca") } }),
        argv: ["--client=mucp", "--client_request_timeout=20s"],
        env: { MICRO_LOG_LEVEL: "error" },
      });
      await secure.init();
      const greeter = secure.for(Greeter, { service: secureName, contentType });
      assert.equal((await greeter.hello({ name: "John" })).name, "Hello John");
    });
  }
});
