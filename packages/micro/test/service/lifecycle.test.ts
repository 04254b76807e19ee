import assert from "node:assert/strict";
import { test } from "node:test";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { newService, type Service, type ServiceOptions } from "../../src/service.ts";
import { newRecorder, type Recorder } from "./recorder.ts";

/** A service whose parts and hooks all write into the recorder. */
function recordedService(recorder: Recorder, more: ServiceOptions = {}): Service {
  const hook = (name: string) => async () => {
    recorder.events.push(name);
    if (recorder.isFailing(name)) throw new Error(`failed at ${name}`);
  };
  return newService({
    argv: [],
    env: {},
    logger: newLogger({ write: () => {} }),
    client: recorder.factory("client", "c"),
    server: recorder.factory("server", "s"),
    registry: recorder.factory("registry", "r"),
    broker: recorder.factory("broker", "b"),
    selector: recorder.factory("selector", "x"),
    transport: recorder.factory("transport", "t"),
    store: recorder.factory("store", "k"),
    beforeStart: [hook("beforeStart 1"), hook("beforeStart 2")],
    afterStart: [hook("afterStart 1"), hook("afterStart 2")],
    beforeStop: [hook("beforeStop 1"), hook("beforeStop 2")],
    afterStop: [hook("afterStop 1"), hook("afterStop 2")],
    ...more,
  });
}

const begin = ["beforeStart 1", "beforeStart 2", "server s started", "afterStart 1", "afterStart 2"];
const closing = [
  "server s stopped",
  "client c closed",
  "broker b closed",
  "store k closed",
  "selector x closed",
  "registry r closed",
  "transport t closed",
];
const end = ["beforeStop 1", "beforeStop 2", ...closing, "afterStop 1", "afterStop 2"];

function happened(recorder: Recorder): string[] {
  return recorder.events.filter((event) => !event.endsWith("built"));
}

test("hooks and parts have their order, and everything happens once", async () => {
  const recorder = newRecorder();
  const service = recordedService(recorder);
  assert.equal(service.ready, false);
  const [starting, again] = [service.start(), service.start()];
  assert.equal(starting, again);
  await starting;
  assert.equal(service.ready, true);
  assert.deepEqual(happened(recorder), begin);
  const stopping = service.stop();
  assert.equal(service.ready, false);
  assert.equal(service.stop(), stopping);
  await stopping;
  await service[Symbol.asyncDispose]();
  assert.deepEqual(happened(recorder), [...begin, ...end]);
  assert.equal(recorder.events.filter((event) => event.endsWith("built")).length, 7);
});

test("a stopped service doesn't start", async () => {
  const service = recordedService(newRecorder());
  await service.stop();
  await assert.rejects(service.start(), /was stopped/);
});

test("stop waits for the start that is under way", async () => {
  const recorder = newRecorder();
  const service = recordedService(recorder);
  void service.start();
  await service.stop();
  assert.deepEqual(happened(recorder), [...begin, ...end]);
});

test("a failing beforeStart hook starts nothing, and what hooks did is undone", async () => {
  const recorder = newRecorder();
  recorder.failAt("beforeStart 1");
  const service = recordedService(recorder);
  await assert.rejects(service.start(), /failed at beforeStart 1/);
  const expected = ["beforeStart 1", ...closing, "afterStop 1", "afterStop 2"];
  assert.deepEqual(happened(recorder), expected);
  await service.stop();
  assert.deepEqual(happened(recorder), expected);
});

test("a server that doesn't start is cleaned up after", async () => {
  const recorder = newRecorder();
  recorder.failAt("server s started");
  const service = recordedService(recorder);
  await assert.rejects(
    service.start(),
    (error) => MicroError.is(error) && error.detail === "failed at server s started",
  );
  assert.deepEqual(happened(recorder), [...begin.slice(0, 3), ...closing, "afterStop 1", "afterStop 2"]);
  assert.equal(service.ready, false);
});

test("a failing afterStart hook stops the server (go-micro leaves it running)", async () => {
  const recorder = newRecorder();
  recorder.failAt("afterStart 1");
  const service = recordedService(recorder);
  await assert.rejects(service.start(), /failed at afterStart 1/);
  assert.deepEqual(happened(recorder), [...begin.slice(0, 4), ...end]);
});

test("every step of the stop has its turn, and all errors are told", async () => {
  const recorder = newRecorder();
  for (const event of ["beforeStop 1", "server s stopped", "afterStop 1"]) recorder.failAt(event);
  const service = recordedService(recorder);
  await service.start();
  const stopping = service.stop();
  await assert.rejects(stopping, (error) => {
    assert.ok(error instanceof AggregateError);
    assert.equal(error.errors.length, 3);
    assert.match(
      error.message,
      /^3 errors while stopping go\.micro\.server: failed at beforeStop 1; .*; failed at afterStop 1$/,
    );
    return true;
  });
  assert.deepEqual(happened(recorder), [...begin, ...end]);
  assert.equal(service.stop(), stopping);
});

test("one error of the stop is thrown as it is", async () => {
  const recorder = newRecorder();
  recorder.failAt("broker b closed");
  const service = recordedService(recorder);
  await service.start();
  await assert.rejects(service.stop(), (error) => MicroError.is(error));
});

test("a service that was only initialised closes what it built and runs no hooks", async () => {
  const recorder = newRecorder();
  const service = recordedService(recorder);
  await service.init();
  await service.stop();
  assert.deepEqual(happened(recorder), closing);
});

test("a service that nobody used closes nothing", async () => {
  const recorder = newRecorder();
  {
    await using service = recordedService(recorder);
    assert.equal(service.options.name, "go.micro.server");
  }
  assert.deepEqual(recorder.events, []);
});

test("init happens once", async () => {
  const recorder = newRecorder();
  const service = recordedService(recorder);
  assert.equal(service.init(), service.init());
  await service.init();
  await service.stop();
});

test("the same handler name twice is refused at once", async () => {
  const service = recordedService(newRecorder());
  service.handle("Greeter", { Hello: () => "hello" });
  assert.throws(() => service.handle("Greeter", { Hello: () => "hello" }), /Greeter is there already/);
  await service.stop();
});

test("run with a program starts the server only when there is something to serve", async () => {
  for (const [handled, events] of [
    [false, ["beforeStart 1", "beforeStart 2", "afterStart 1", "afterStart 2", "program"]],
    [true, [...begin, "program"]],
  ] as const) {
    const recorder = newRecorder();
    const service = recordedService(recorder);
    if (handled) service.handle("Greeter", { Hello: () => "hello" });
    const code = await service.run(() => void recorder.events.push("program"));
    assert.equal(code, 0);
    assert.deepEqual(happened(recorder).slice(0, events.length), events);
    assert.deepEqual(happened(recorder).slice(-end.length), end);
  }
});

test("run ends by options.signal, and by stop", async () => {
  for (const endIt of [
    (_service: Service, controller: AbortController) => controller.abort(),
    (service: Service) => void service.stop(),
  ]) {
    const recorder = newRecorder();
    const controller = new AbortController();
    const service = recordedService(recorder, {
      handleSignals: false,
      signal: controller.signal,
      afterStart: [() => void setImmediate(() => endIt(service, controller))],
    });
    assert.equal(await service.run(), 0);
    assert.deepEqual(happened(recorder), [...begin.slice(0, 3), ...end]);
  }
});

test("run that is over before it began starts nothing", async () => {
  const recorder = newRecorder();
  const service = recordedService(recorder, { signal: AbortSignal.abort() });
  assert.equal(await service.run(() => void recorder.events.push("program")), 0);
  assert.deepEqual(happened(recorder), closing);
});
