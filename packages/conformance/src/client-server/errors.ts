import assert from "node:assert/strict";
import { conflict, MicroError, notFound } from "ts-micro";
import type { ClientServerBench } from "./bench.ts";

export function errorTests(bench: ClientServerBench): void {
  bench.test("a MicroError reaches the caller whole", async ({ serve, call }) => {
    const errors = [
      notFound("users", "no user 42"),
      conflict("", "without an id"),
      new MicroError({ id: "teapot", code: 418, detail: "short and stout", status: "I'm a teapot" }),
      new MicroError({ id: "odd", code: 499, detail: '100 % "odd", ümlaut 日本語, line\nfeed' }),
    ];
    await serve({
      Throw: ({ n }: { n: number }) => {
        throw errors[n];
      },
      Reject: ({ n }: { n: number }) => Promise.reject(errors[n]),
    });
    for (const [n, { id, code, detail, status }] of errors.entries()) {
      for (const method of ["Throw", "Reject"]) {
        await assert.rejects(call(method, { n }), (error) => {
          assert.ok(MicroError.is(error), String(error));
          assert.deepEqual(
            { id: error.id, code: error.code, detail: error.detail, status: error.status },
            { id, code, detail, status },
          );
          assert.equal(error.reason, undefined, "it was not made in this process");
          return true;
        });
      }
    }
  });

  bench.test(
    "whatever else a handler throws is a 500 of the service, and the service goes on",
    async (world) => {
      const { service, serve, call } = world;
      const values: Record<string, unknown> = {
        error: new Error("disk full"),
        text: "a text",
        nothing: undefined,
        null: null,
        number: 7,
        symbol: Symbol("s"),
        bare: Object.create(null),
        hostile: {
          toString() {
            throw new Error("no text for you");
          },
        },
        json: new Error('{"not":"ours"}'),
        empty: new Error(""),
        function: () => 1,
      };
      await serve({
        Throw: ({ what }: { what: string }) => {
          throw values[what];
        },
        Reject: ({ what }: { what: string }) => Promise.reject(values[what]),
        Fine: () => "fine",
      });
      for (const method of ["Throw", "Reject"]) {
        for (const what of Object.keys(values)) {
          await assert.rejects(call(method, { what }), (error) => {
            assert.ok(MicroError.is(error));
            assert.deepEqual([error.id, error.code], [service, 500], `${method} ${what}`);
            if (what === "error") assert.match(error.detail, /disk full/);
            return true;
          });
        }
      }
      assert.equal(await call("Fine"), "fine");
    },
  );

  bench.test("an error that says nothing is an error all the same", async ({ serve, call }) => {
    await serve({
      Throw: () => {
        throw new MicroError({});
      },
    });
    await assert.rejects(call("Throw"), (error) => MicroError.is(error) && error.reason === undefined);
  });

  bench.test("an answer that can't be encoded is a 500", async ({ serve, call }) => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    await serve({ Circular: () => circular, BigInt: async () => 1n, Fine: () => "fine" });
    await assert.rejects(call("Circular"), { code: 500 });
    await assert.rejects(call("BigInt"), { code: 500 });
    assert.equal(await call("Fine"), "fine");
  });

  bench.test("a service that nobody registered", async ({ call }) => {
    await assert.rejects(call("Anything"), { code: 500, reason: "service-not-found" });
  });

  bench.test("a handler or method that isn't there is an error, and the connection stays", async (world) => {
    const { service, serve, client } = world;
    await serve({ Fine: () => "fine" });
    const caller = client();
    for (const endpoint of [
      "Nobody.Fine",
      "Test.Nothing",
      "Test.fine",
      "Test",
      "a.b.c",
      "Test.",
      "Test.constructor",
    ]) {
      await assert.rejects(
        caller.call({ service, endpoint }),
        (error) => MicroError.is(error) && error.reason === undefined,
        endpoint,
      );
    }
    assert.equal(await caller.call({ service, endpoint: "Test.Fine" }), "fine");
  });
}
