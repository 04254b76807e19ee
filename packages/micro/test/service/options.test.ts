import assert from "node:assert/strict";
import { test } from "node:test";
import { newService } from "../../src/service.ts";

/** As a program without types would call it. */
function make(options: unknown): unknown {
  return Reflect.apply(newService, undefined, [options]);
}

test("a misspelt option is told, with the one that was meant, and not ignored", () => {
  assert.throws(() => make({ verison: "1", before_start: [], port: 80 }), {
    name: "TypeError",
    message:
      "newService: there is no option verison, did you mean version?; there is no option before_start, did you mean beforeStart?; there is no option port",
  });
  assert.throws(() => make(JSON.parse('{ "constructor": 1 }')), /there is no option constructor/);
});

test("an option of another form is told as what it is, not as the fault of a part", () => {
  for (const [option, value, message] of [
    ["name", 5, "name must be a string, is a number"],
    ["address", 8080, "address must be a string, is a number"],
    ["registerTtlMs", "30", "registerTtlMs must be a number of milliseconds, is a string"],
    ["beforeStart", () => {}, "beforeStart must be a list of functions, is a function"],
    ["wrapHandler", [1], "wrapHandler must be a list of functions, is a list"],
    ["broker", 5, "broker must be a name, a factory or a part, is a number"],
    ["broker", null, "broker must be a name, a factory or a part, is null"],
    ["metadata", [], "metadata must be an object, is a list"],
    ["argv", "--broker=nats", "argv must be a list of strings, is a string"],
    ["unknownFlags", "maybe", 'unknownFlags must be "error" or "ignore", is a string'],
    ["signal", {}, "signal must be an AbortSignal, is an object"],
    ["handleSignals", "no", "handleSignals must be true or false, is a string"],
  ] as const) {
    assert.throws(() => make({ [option]: value }), { name: "TypeError", message: `newService: ${message}` });
  }
  assert.throws(
    () => make("greeter"),
    /the options are a string; give an object, such as \{ name: "greeter" \}/,
  );
  assert.doesNotThrow(() => make({ name: undefined, broker: undefined, metadata: undefined }));
});

test("a call without a request, or with one address, says what is missing", async () => {
  const service = newService({ argv: [], env: {} });
  await assert.rejects(
    Reflect.apply(service.client.call, service.client, []),
    /a call needs a service and an endpoint/,
  );
  const address = { service: "greeter", endpoint: "Greeter.Hello", addresses: "127.0.0.1:80" };
  await assert.rejects(Reflect.apply(service.client.call, service.client, [address]), {
    name: "TypeError",
    message: 'addresses must be a list, such as ["127.0.0.1:8080"], got a string',
  });
  await service.stop();
});
