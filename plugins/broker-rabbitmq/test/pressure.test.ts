import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { newBroker } from "@ts-micro/broker-rabbitmq";
import { rabbitmq, type ServerProcess, startRabbitmq, startSilenceableProxy } from "@ts-micro/conformance";
import { newLogger } from "ts-micro";
import type { Broker } from "ts-micro/broker";
import { ascending, idOf, message, numbers, until } from "./messages.ts";

const logger = newLogger({ level: "fatal" });

describe("slow handlers, and servers that say nothing", { skip: rabbitmq().skip, timeout: 170_000 }, () => {
  let server: ServerProcess;
  let publisher: Broker;
  before(async () => {
    server = await startRabbitmq();
    publisher = newBroker({ addresses: [server.address], logger });
    await publisher.connect();
  });
  after(async () => {
    await publisher?.disconnect();
    await server?.[Symbol.asyncDispose]();
  });

  test("SIGTERM with 1,000 messages in hand: these are finished, the others wait for somebody else", async () => {
    const program = fileURLToPath(new URL("subscriber.js", import.meta.url));
    const child = spawn(process.execPath, [program], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, MICRO_BROKER: "rabbitmq", MICRO_BROKER_ADDRESS: server.address },
    });
    const lines = linesOf(child);
    await until(() => lines.includes("ready"));
    await Promise.all(numbers(1_500).map((id) => publisher.publish("sigterm", message(id))));
    await until(() => lines.filter((line) => line.startsWith("took ")).length === 1_000);
    child.kill("SIGTERM");
    const [code] = await once(child, "close");
    assert.equal(code, 0);
    const finished = lines
      .filter((line) => line.startsWith("finished "))
      .map((line) => Number(line.split(" ")[1]));
    assert.equal(finished.length, 1_000);

    const others: number[] = [];
    await publisher.subscribe("sigterm", ({ message }) => void others.push(idOf(message)), { queue: "q" });
    await until(() => finished.length + others.length >= 1_500);
    assert.deepEqual(ascending([...finished, ...others]), numbers(1_500));
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

  test("handlers that never end make no more than twice maxInFlight wait, however often the server is lost", async () => {
    await using proxy = await startSilenceableProxy(server.address);
    const broker = newBroker({ addresses: [proxy.address], logger, heartbeatMs: 1_000, timeoutMs: 1_000 });
    await broker.connect();
    let taken = 0;
    let open = (): void => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const done = new Set<number>();
    const handler = async ({ message }: { message: { body: Uint8Array } }): Promise<void> => {
      taken++;
      await opened;
      done.add(idOf(message));
    };
    await broker.subscribe("stuck", handler, { queue: "q", maxInFlight: 5 });
    await Promise.all(numbers(20).map((id) => publisher.publish("stuck", message(id))));
    await until(() => taken === 5);
    proxy.silence();
    await until(() => broker.address === "");
    proxy.speak();
    await until(() => broker.address !== "");
    assert.equal(taken, 5);
    open();
    await until(() => done.size === 20);
    await broker.disconnect();
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
