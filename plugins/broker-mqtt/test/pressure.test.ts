import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { newBroker } from "@ts-micro/broker-mqtt";
import { mosquitto, type ServerProcess, startMosquitto } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import { ascending, idOf, message, numbers, until } from "./messages.ts";

const logger = newLogger({ level: "fatal" });

describe("slow handlers, and processes that end", { skip: mosquitto().skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  let publisher: Broker;
  before(async () => {
    server = await startMosquitto();
    publisher = newBroker({ addresses: [server.address], logger });
    await publisher.connect();
  });
  after(async () => {
    await publisher?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  function subscriber(env: NodeJS.ProcessEnv): { child: ChildProcess; lines: string[] } {
    const program = fileURLToPath(new URL("subscriber.js", import.meta.url));
    const child = spawn(process.execPath, [program], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, MICRO_BROKER: "mqtt", MICRO_BROKER_ADDRESS: server.address, ...env },
    });
    return { child, lines: linesOf(child) };
  }

  const finishedIn = (lines: readonly string[]): number[] =>
    lines.filter((line) => line.startsWith("finished ")).map((line) => Number(line.split(" ")[1]));

  test("SIGTERM with 1,000 messages in hand: all that the server gave this member is finished", async () => {
    const { child, lines } = subscriber({ QUEUE: "q" });
    await until(() => lines.includes("ready"));
    await Promise.all(numbers(1_500).map((id) => publisher.publish("stop", message(id))));
    await until(() => lines.filter((line) => line.startsWith("took ")).length === 1_000);
    child.kill("SIGTERM");
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    assert.deepEqual(ascending(finishedIn(lines)), numbers(1_500));
  });

  test("a process with a client id that dies gets what it had in hand, and what came meanwhile", async () => {
    const env = { MICRO_MQTT_CLIENT_ID: "mailer-1" };
    const first = subscriber(env);
    await until(() => first.lines.includes("ready"));
    await Promise.all(numbers(10).map((id) => publisher.publish("stop", message(id))));
    await until(() => first.lines.filter((line) => line.startsWith("took ")).length === 10);
    first.child.kill("SIGKILL");
    await once(first.child, "close");
    await publisher.publish("stop", message(10));

    const second = subscriber(env);
    await until(() => second.lines.filter((line) => line.startsWith("took ")).length === 11);
    assert.deepEqual(
      second.lines.filter((line) => line.startsWith("took ")).map((line) => line.split(" ")[2]),
      [...numbers(10).map(() => "attempt=2"), "attempt=1"],
    );
    second.child.kill("SIGTERM");
    await once(second.child, "close");
    assert.deepEqual(ascending(finishedIn(second.lines)), numbers(11));
    // What is published after a process has ended well waits for the next one, too.
    await publisher.publish("stop", message(11));
    const third = subscriber(env);
    await until(() => third.lines.includes("took 11 attempt=1"));
    third.child.kill("SIGTERM");
    await once(third.child, "close");
    assert.deepEqual(finishedIn(third.lines), [11]);
  });

  test("a slow handler is given no more than maxInFlight, the server keeps the others in their order", async () => {
    const seen: number[] = [];
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const subscription = await publisher.subscribe(
      "slow",
      async ({ message }) => {
        seen.push(idOf(message));
        await opened;
      },
      { queue: "q", maxInFlight: 1 },
    );
    await Promise.all(numbers(2_000).map((id) => publisher.publish("slow", message(id))));
    assert.deepEqual(seen, [0]);
    open();
    await until(() => seen.length === 2_000);
    assert.deepEqual(seen, numbers(2_000));
    await subscription.unsubscribe();
  });
});

function linesOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  let rest = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  });
  return lines;
}
