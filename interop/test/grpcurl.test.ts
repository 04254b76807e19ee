/** What a command-line gRPC tool that only knows reflection gets from a running server. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { statusCode } from "@ts-micro/server-grpc";
import { getMetadata, newHandler, notFound, stream } from "ts-micro";
import type { Server } from "ts-micro/server";
import { goProgram } from "../src/go-program.ts";
import { startServer } from "../src/grpc/start-server.ts";
import { newTestService } from "../src/grpc/test-service.ts";
import { type Ended, run } from "../src/program.ts";

const grpcurl = goProgram("grpc", "grpcurl");

const say = newHandler("Say", {
  Hello: ({ name }: { name: string }, context) => ({
    msg: `Hello ${name}`,
    lang: getMetadata(context.metadata, "Lang"),
  }),
  Missing: () => {
    throw notFound("greeter", "no such user");
  },
  Count: stream(async function* (requests: AsyncIterable<{ to: number }>) {
    for await (const { to } of requests) for (let count = 1; count <= to; count++) yield { count };
  }),
});

describe("grpcurl", { skip: grpcurl.skip }, () => {
  let server: Server;
  before(async () => {
    server = await startServer({ name: "greeter", handlers: [newTestService(), say] });
  });
  after(() => server.stop());

  /** Everything in front of the address, then what comes after it. */
  const ask = (flags: readonly string[], ...what: string[]): Promise<Ended> =>
    run(grpcurl.path, ["-plaintext", ...flags, server.address, ...what]);
  const answers = async (flags: readonly string[], ...what: string[]): Promise<unknown[]> => {
    const { code, stdout, stderr } = await ask(flags, ...what);
    assert.equal(code, 0, stderr);
    // One object after another, each over several lines.
    return JSON.parse(`[${stdout.trim().replaceAll("\n}\n{", "\n},\n{")}]`);
  };

  test("list: grpcurl → ts-micro", async () => {
    const { stdout } = await ask([], "list");
    assert.deepEqual(stdout.trim().split("\n"), [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "grpc.testing.TestService",
      "json.Say",
    ]);
    const methods = await ask([], "list", "grpc.testing.TestService");
    assert.ok(methods.stdout.includes("grpc.testing.TestService.UnaryCall\n"), methods.stdout);
  });

  test("describe: grpcurl → ts-micro", async () => {
    const service = await ask([], "describe", "json.Say");
    assert.ok(service.stdout.includes("rpc Hello ( .google.protobuf.Value )"), service.stdout);
    const method = await ask([], "describe", "grpc.testing.TestService.FullDuplexCall");
    assert.ok(method.stdout.includes("stream .grpc.testing.StreamingOutputCallResponse"), method.stdout);
    const message = await ask([], "describe", "grpc.testing.SimpleRequest");
    assert.ok(message.stdout.includes("int32 response_size = 2;"), message.stdout);
    const unknown = await ask([], "describe", "nope.Nope");
    assert.ok(unknown.stderr.includes("Symbol not found: nope.Nope"), unknown.stderr);
  });

  test("unary call of a schema: grpcurl → ts-micro", async () => {
    const method = "grpc.testing.TestService/UnaryCall";
    assert.deepEqual(await answers(["-d", '{"response_size": 3}'], method), [{ payload: { body: "AAAA" } }]);
  });

  test("unary call of a plain handler, with metadata: grpcurl → ts-micro", async () => {
    const flags = ["-H", "lang: de", "-d", '{"name": "John"}'];
    assert.deepEqual(await answers(flags, "json.Say/Hello"), [{ msg: "Hello John", lang: "de" }]);
  });

  test("server stream: grpcurl → ts-micro", async () => {
    const data = '{"response_parameters": [{"size": 1}, {"size": 2}]}';
    assert.deepEqual(await answers(["-d", data], "grpc.testing.TestService/StreamingOutputCall"), [
      { payload: { body: "AA==" } },
      { payload: { body: "AAA=" } },
    ]);
  });

  test("stream of a plain handler: grpcurl → ts-micro", async () => {
    const counted = await answers(["-d", '{"to": 2} {"to": 1}'], "json.Say/Count");
    assert.deepEqual(counted, [{ count: 1 }, { count: 2 }, { count: 1 }]);
  });

  test("go-micro's error with its detail: grpcurl → ts-micro", async () => {
    const { code, stderr } = await ask(["-format-error"], "json.Say/Missing");
    // grpcurl adds the status to 64.
    assert.equal(code, 64 + statusCode.notFound, stderr);
    const status = JSON.parse(stderr);
    assert.equal(status.code, statusCode.notFound);
    assert.deepEqual(status.details, [
      {
        "@type": "type.googleapis.com/errors.Error",
        id: "greeter",
        code: 404,
        detail: "no such user",
        status: "Not Found",
      },
    ]);
  });

  test("plain status: grpcurl → ts-micro", async () => {
    const data = '{"response_status": {"code": 7, "message": "not you"}}';
    const { code, stderr } = await ask(["-format-error", "-d", data], "grpc.testing.TestService/UnaryCall");
    assert.equal(code, 64 + statusCode.permissionDenied, stderr);
    assert.deepEqual(JSON.parse(stderr), { code: statusCode.permissionDenied, message: "not you" });
  });

  test("health check: grpcurl → ts-micro", async () => {
    const check = "grpc.health.v1.Health/Check";
    for (const service of ["", "greeter", "Say", "grpc.testing.TestService"]) {
      assert.deepEqual(await answers(["-d", JSON.stringify({ service })], check), [{ status: "SERVING" }]);
    }
    const unknown = await ask(["-d", '{"service": "nope"}'], check);
    assert.equal(unknown.code, 64 + statusCode.notFound, unknown.stderr);
  });
});
