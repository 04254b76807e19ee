import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Logger, MicroError, newLogger } from "ts-micro";
import type { Store, StoreOptions } from "ts-micro/store";
import type { ServerProcess } from "../servers/server-process.ts";
import { startSilenceableProxy } from "../servers/silenceable-proxy.ts";
import { bytes, textOf } from "./bench.ts";

export interface StoreRecoverySubject {
  /** A server that keeps what it has answered when it is killed. */
  start(): Promise<ServerProcess>;
  create(options: StoreOptions): Store;
  /** Why nothing is run, such as a missing server. @default false */
  skip?: false | string;
}

/** Records written before the kill, and again after it. */
const records = 5_000;

/** The suite of a store on an engine: what it does while the engine is dead or silent, and when it comes back. */
export function storeRecovery(name: string, subject: StoreRecoverySubject): void {
  const { skip = false } = subject;
  const logger: Logger = newLogger({ level: "fatal" });
  const create = (addresses: readonly string[], more: StoreOptions = {}): Store =>
    subject.create({ addresses, table: "recovery", timeoutMs: 5_000, logger, ...more });

  const suite = { skip, timeout: 170_000, concurrency: true };
  describe(`store ${name}, when its engine goes and comes back`, suite, () => {
    test("killed in mid-traffic for 20 s: nothing that was written is lost, and it goes on by itself", async (context) => {
      await using server = await subject.start();
      await using store = create([server.address]);
      const written: number[] = [];
      const refused = new Map<string, number>();
      let [next, going] = [0, true];
      const traffic = Array.from({ length: 16 }, async () => {
        while (going) {
          const id = next++;
          try {
            await store.write({ key: String(id), value: bytes(`of ${id}`) });
            written.push(id);
          } catch (error) {
            const kind = kindOf(error);
            refused.set(kind, (refused.get(kind) ?? 0) + 1);
            await pause(5);
          }
        }
      });
      const writtenMore = async (count: number): Promise<void> => {
        const before = written.length;
        while (written.length < before + count) await pause(20);
      };
      context.after(() => {
        going = false;
      });
      await writtenMore(records);
      await server.kill();
      // What was answered before the kill may be told a moment after it, and parts of an engine may outlive the rest.
      await pause(5_000);
      const before = written.length;
      await pause(15_000);
      assert.equal(written.length, before, "a write resolved without an engine");
      for (const operation of [store.read("0"), store.list(), store.delete("never"), store.connect()]) {
        await assert.rejects(operation, isOutage);
      }
      await server.start();
      await writtenMore(records);
      going = false;
      await Promise.all(traffic);
      assert.deepEqual(
        [...refused.keys()].filter((kind) => !/^(503|408) /.test(kind)),
        [],
      );
      assert.ok(refused.size > 0, "what couldn't be written was refused");
      await using reader = create([server.address], { timeoutMs: 60_000 });
      const found = new Map(
        (await reader.read("", { prefix: true })).map(({ key, value }) => [
          key,
          Buffer.from(value).toString(),
        ]),
      );
      const lost = written.filter((id) => found.get(String(id)) !== `of ${id}`);
      assert.deepEqual(lost, [], `lost of ${written.length}`);
    });

    test("an engine that isn't there is named, and used as soon as it is", async () => {
      await using server = await subject.start();
      await server.kill();
      await using store = create([server.address]);
      for (const operation of [() => store.connect(), () => store.read("k"), () => store.list()]) {
        await assert.rejects(operation(), (error: Error) => {
          assert.ok(isOutage(error), String(error));
          assert.ok(error.message.includes(server.address), error.message);
          return true;
        });
      }
      await server.start();
      await until(() => store.write({ key: "k", value: bytes("v") }));
      assert.equal(await textOf(store, "k"), "v");
    });

    test("an engine that comes back without its data is used like a new one", async () => {
      await using server = await subject.start();
      await using store = create([server.address]);
      await store.write({ key: "k", value: bytes("v") });
      await server.kill();
      await server.start({ empty: true });
      await until(() => store.write({ key: "new", value: bytes("v") }));
      assert.deepEqual(await store.list(), ["new"]);
    });

    test("a connection that falls silent fails its operations within the limit, and is replaced", async () => {
      await using server = await subject.start();
      await using proxy = await startSilenceableProxy(server.address);
      await using store = create([proxy.address], { timeoutMs: 500 });
      await until(() => store.write({ key: "k", value: bytes("v") }));
      proxy.silence();
      const operations = [
        store.write({ key: "k", value: bytes("later") }),
        store.write({ key: "long", value: new Uint8Array(512 * 1024) }),
        store.read("k"),
        store.list(),
        store.delete("k"),
      ];
      for (const outcome of await Promise.allSettled(operations)) {
        assert.ok(outcome.status === "rejected" && isOutage(outcome.reason), JSON.stringify(outcome));
      }
      // A server that takes connections and says nothing is none either.
      await assert.rejects(store.read("k"), isOutage);
      proxy.speak();
      await until(() => store.write({ key: "k", value: bytes("after") }));
      assert.equal(await textOf(store, "k"), "after");
    });

    test("of several addresses the next one is used when one is dead, from the start or later", async () => {
      await using one = await subject.start();
      await using two = await subject.start();
      await using store = create([one.address, two.address]);
      await until(() => store.write({ key: "k", value: bytes("v") }));
      await using direct = create([one.address]);
      const [used, spare] = (await textOf(direct, "k")) === "v" ? [one, two] : [two, one];
      await used.kill();
      await using other = create([spare.address]);
      // Parts of the dead one may go on answering for a moment.
      while ((await textOf(other, "k")) !== "again") {
        await until(() => store.write({ key: "k", value: bytes("again") }));
      }
      await using fromTheStart = create([used.address, spare.address]);
      await until(() => fromTheStart.read("k"));
      assert.equal(await textOf(fromTheStart, "k"), "again");
    });

    test("a store whose engine is dead can be closed", async () => {
      const server = await subject.start();
      const store = create([server.address]);
      await store.write({ key: "k", value: bytes("v") });
      await server[Symbol.asyncDispose]();
      const reading = store.read("k");
      await Promise.all([store.close(), assert.rejects(reading, isOutage)]);
      await assert.rejects(store.read("k"), (error) => MicroError.is(error) && error.reason === "closed");
    });
  });
}

/** Refused because of the engine, and told so. */
function isOutage(error: unknown): boolean {
  return /^(503|408) (connection-failed|connection-lost|not-connected|timeout)$/.test(kindOf(error));
}

function kindOf(error: unknown): string {
  return MicroError.is(error) ? `${error.code} ${error.reason}` : String(error);
}

/** Tries again until it succeeds; the test's own limit is the longest wait. */
async function until(operation: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await operation();
      return;
    } catch (error) {
      assert.ok(isOutage(error), String(error));
      await pause(50);
    }
  }
}
