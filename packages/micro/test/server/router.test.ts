import assert from "node:assert/strict";
import { test } from "node:test";
import { CallContext } from "../../src/context.ts";
import { MicroError, notFound, timeout } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newHandler, stream } from "../../src/server/handler.ts";
import { newRouter } from "../../src/server/router.ts";
import type { HandlerWrapper, ServerRequest } from "../../src/server/server.ts";

const context = new CallContext();

function routerWithLog(wrapHandler: HandlerWrapper[] = []) {
  const lines: string[] = [];
  const router = newRouter({
    name: "greeter",
    logger: newLogger({ write: (line) => lines.push(line) }),
    wrapHandler,
  });
  return { router, lines };
}

function requestOf(body: unknown, endpoint = "Greeter.Hello"): ServerRequest {
  return { service: "greeter", endpoint, contentType: "application/json", streaming: false, body };
}

test("an unknown endpoint gives go-micro's text, without id and code", () => {
  const { router } = routerWithLog();
  router.add(newHandler("Greeter", { Hello: () => 1 }));
  const texts = {
    "Nope.Hello": "rpc: can't find service Nope",
    "Greeter.Nope": "rpc: can't find method Nope",
    "Greeter.constructor": "rpc: can't find method constructor",
    Greeter: "rpc: service/endpoint request ill-formed: Greeter",
    "a.b.c": "rpc: service/endpoint request ill-formed: a.b.c",
    ".Hello": "rpc: service/endpoint request ill-formed: .Hello",
    "": "rpc: service/endpoint request ill-formed: ",
  };
  for (const [endpoint, text] of Object.entries(texts)) {
    assert.throws(
      () => router.find(endpoint),
      (error) => MicroError.is(error) && error.detail === text && error.code === 0 && error.id === "",
    );
  }
});

test("a service named with its package is found by its whole name first, then by the last part", () => {
  const { router } = routerWithLog();
  const schema = { kind: "service", typeName: "helloworld.Greeter" } as const;
  router.add({ ...newHandler("Greeter", { Hello: () => 1 }), schema });
  router.add(newHandler("Say", { Hello: () => 1 }));
  const nameOf = (service: string, method: string) => {
    const found = router.findIn(service, method);
    return typeof found === "string" ? found : found.name;
  };
  assert.equal(nameOf("helloworld.Greeter", "Hello"), "Greeter.Hello");
  assert.equal(nameOf("go.micro.srv.greeter.Greeter", "Hello"), "Greeter.Hello");
  assert.equal(nameOf("Say", "Hello"), "Say.Hello");
  assert.equal(nameOf("a.b.Debug", "Health"), "Debug.Health");
  assert.equal(nameOf("helloworld.Greeter", "Nope"), "no-method");
  assert.equal(nameOf("helloworld.Nope", "Hello"), "no-service");
  assert.equal(nameOf("", ""), "no-service");
  assert.equal(router.stats.requests, 7);
});

test("a second handler of the same name is refused, and so is what is none", () => {
  const { router } = routerWithLog();
  router.add(newHandler("Greeter", { Hello: () => 1 }));
  assert.throws(
    () => router.add(newHandler("Greeter", { Bye: () => 1 })),
    (error) =>
      MicroError.is(error) && error.code === 409 && /service already defined: Greeter/.test(error.detail),
  );
  assert.throws(
    () => router.add({ Hello: () => 1 } as never),
    (error) => MicroError.is(error) && error.code === 400 && /newHandler/.test(error.detail),
  );
});

test("the first wrapper is the outermost, and wrapping is done once", async () => {
  const calls: string[] = [];
  let wrapped = 0;
  const named =
    (name: string): HandlerWrapper =>
    (next) => {
      wrapped++;
      return async (request, context) => {
        calls.push(`${name} before ${request.endpoint}`);
        const answer = await next(request, context);
        calls.push(`${name} after`);
        return answer;
      };
    };
  const { router } = routerWithLog([named("outer"), named("inner")]);
  router.add(newHandler("Greeter", { Hello: (name: string) => `Hello ${name}` }));
  wrapped = 0;
  const route = router.find("Greeter.Hello");
  assert.equal(await route.invoke(requestOf("John"), context), "Hello John");
  assert.equal(await route.invoke(requestOf("Jane"), context), "Hello Jane");
  assert.equal(wrapped, 0);
  assert.deepEqual(calls.slice(0, 4), [
    "outer before Greeter.Hello",
    "inner before Greeter.Hello",
    "inner after",
    "outer after",
  ]);
});

test("without wrappers a handler's plain value stays one", () => {
  const { router } = routerWithLog();
  router.add(newHandler("Greeter", { Hello: (name: string) => `Hello ${name}` }));
  assert.equal(router.find("Greeter.Hello").invoke(requestOf("John"), context), "Hello John");
});

test("endpoints are listed as go-micro sorts them, the internal ones not", () => {
  const { router } = routerWithLog();
  router.add(newHandler("b", { Second: () => 1, First: stream(async function* () {}) }));
  router.add(newHandler("B", { Only: () => 1 }, { endpoints: { Only: { metadata: { description: "x" } } } }));
  router.add(newHandler("a", { Hidden: () => 1 }, { internal: true }));
  assert.deepEqual(router.endpoints(), [
    { name: "B.Only", request: null, response: null, metadata: { description: "x" } },
    { name: "b.First", request: null, response: null, metadata: { stream: "true" } },
    { name: "b.Second", request: null, response: null, metadata: {} },
  ]);
});

test("whatever is thrown becomes an error with the service's name, a MicroError stays whole", () => {
  const { router, lines } = routerWithLog();
  const own = notFound("users", "no such user");
  assert.equal(router.failure(own, "Greeter.Hello"), own);
  assert.equal(lines.length, 0);
  const unprintable = Object.create(null);
  for (const [thrown, detail] of [
    [new Error("boom"), "boom"],
    [new TypeError(), "TypeError"],
    ["text", "text"],
    [undefined, "thrown: undefined"],
    [Symbol("s"), "thrown: Symbol(s)"],
    [unprintable, "thrown: a value that has no text"],
  ] as const) {
    const error = router.failure(thrown, "Greeter.Hello");
    assert.deepEqual([error.id, error.code, error.detail], ["greeter", 500, detail]);
  }
  assert.equal(lines.length, 6);
  assert.match(lines[0] ?? "", /endpoint=Greeter\.Hello level=error stack=.*handler failed: boom/);
});

test("a handler that gives up because its deadline passed answers with the deadline's error", () => {
  const { router } = routerWithLog();
  const deadline = timeout("go.micro.server", "deadline exceeded");
  const thrown = Object.assign(new Error("The operation was aborted"), {
    name: "AbortError",
    cause: deadline,
  });
  assert.equal(router.failure(thrown, "Greeter.Hello"), deadline);
});

test("every router answers Debug.Health and Debug.Stats", async () => {
  const { router } = routerWithLog();
  const ask = (endpoint: string) => router.find(endpoint).invoke(requestOf({}, endpoint), context);
  assert.deepEqual(ask("Debug.Health"), { status: "ok" });
  router.failure(new Error("boom"), "Greeter.Hello");
  const stats = ask("Debug.Stats") as Record<string, number>;
  assert.deepEqual(Object.keys(stats), [
    "timestamp",
    "started",
    "uptime",
    "memory",
    "threads",
    "gc",
    "requests",
    "errors",
  ]);
  assert.equal(stats.requests, 2);
  assert.equal(stats.errors, 1);
  assert.ok(Object.values(stats).every((value) => Number.isSafeInteger(value)));
  assert.deepEqual(router.endpoints(), []);
});
