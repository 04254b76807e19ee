import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nats, startNats, startSilenceableProxy } from "@ts-micro/conformance";
import { newTransport } from "@ts-micro/transport-nats";
import { MicroError, newLogger, newService, type ServiceOptions } from "ts-micro";
import { newClient } from "ts-micro/client";
import { newServer } from "ts-micro/server";
import type { SocketEvents } from "ts-micro/transport";
import { alpn } from "./streams.ts";

const logger = newLogger({ level: "fatal" });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(10);
}

/** Notes how a socket ended. */
function ending(): SocketEvents & { ended: (Error | undefined)[] } {
  const ended: (Error | undefined)[] = [];
  return { ended, message() {}, close: (error) => void ended.push(error) };
}

describe("when servers and processes go and come back", {
  skip: nats().skip,
  timeout: 120_000,
  concurrency: true,
}, () => {
  for (const mux of [true, false])
    test(`a server killed in mid-traffic for 20 s: calls${mux ? "" : " of mucp"} fail with an error, and go on by themselves`, async () => {
      const name = `transport-kill-${mux}`;
      await using server = await startNats();
      const options: ServiceOptions = {
        name,
        registry: "memory",
        transport: () => newTransport({ addresses: [server.address], logger }),
        server: (options) => newServer({ ...options, mux }),
        client: (options) => newClient({ ...options, mux }),
        logger,
      };
      const service = newService(options);
      service.handle("Greeter", { Hello: ({ name }: { name: string }) => ({ msg: `Hello ${name}` }) });
      await service.start();
      const caller = newService({ ...options, name: `${name}-caller` });
      const failures = new Set<string | undefined>();
      let answers = 0;
      let asked = 0;
      let going = true;
      const traffic = Array.from({ length: 4 }, async () => {
        while (going) {
          const body = { name: String(asked++) };
          try {
            const { msg } = await caller.client.call<{ msg: string }>({
              service: name,
              endpoint: "Greeter.Hello",
              body,
            });
            assert.equal(msg, `Hello ${body.name}`);
            answers++;
          } catch (thrown) {
            assert.ok(MicroError.is(thrown), String(thrown));
            failures.add(thrown.reason);
            await pause(20);
          }
        }
      });
      await until(() => answers > 100);
      await server.kill();
      await until(() => failures.size > 0);
      const before = answers;
      await pause(20_000);
      assert.ok(answers <= before + 4, "an answer came without a server");
      await server.start();
      await until(() => answers > before + 100);
      going = false;
      await Promise.all(traffic);
      const known = ["connection-failed", "connection-lost", "timeout"];
      assert.deepEqual(
        [...failures].filter((reason) => !known.includes(reason ?? "")),
        [],
      );
      await caller.stop();
      await service.stop();
    });

  test("a process that was killed is noticed by what is sent to it, and by who waits", async () => {
    await using server = await startNats();
    const program = fileURLToPath(new URL("listener.js", import.meta.url));
    const child = spawn(process.execPath, [program, server.address, "dying"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await using transport = newTransport({ addresses: [server.address], pingIntervalMs: 200, logger });
    const [waits, sends] = [ending(), ending()];
    await transport.dial("dying", waits);
    const socket = await transport.dial("dying", sends);
    const stream = await transport.connect?.("dying", { alpn });
    stream?.on("error", (error) => void waits.ended.push(error)).resume();
    child.kill("SIGKILL");
    await once(child, "exit");
    socket.send({ header: {}, body: Buffer.from("anybody?") });
    await until(() => waits.ended.length + sends.ended.length === 3);
    for (const error of [...waits.ended, ...sends.ended]) {
      assert.ok(MicroError.is(error));
      assert.deepEqual([error.code, error.reason], [503, "connection-lost"]);
    }
    await assert.rejects(transport.dial("dying", ending()), { code: 503, reason: "connection-failed" });
  });

  test("a connection that falls silent is given up after three pings, and dialled anew", async () => {
    await using server = await startNats();
    await using proxy = await startSilenceableProxy(server.address);
    await using listening = newTransport({ addresses: [server.address], logger });
    await listening.listen("silence", () => ({ message() {}, close() {} }));
    await using dialling = newTransport({
      addresses: [proxy.address],
      pingIntervalMs: 200,
      timeoutMs: 1_000,
      logger,
    });
    const lost = ending();
    await dialling.dial("silence", lost);
    proxy.silence();
    await until(() => lost.ended.length === 1);
    await assert.rejects(dialling.dial("silence", ending()), { code: 503, reason: "connection-failed" });
    proxy.speak();
    for (;;) {
      const socket = await dialling.dial("silence", ending()).catch(() => undefined);
      if (socket !== undefined) break;
      await pause(20);
    }
  });
});
