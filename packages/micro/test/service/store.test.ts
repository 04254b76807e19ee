import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { newLogger } from "../../src/logger.ts";
import { newService, type ServiceOptions } from "../../src/service.ts";
import { newMemoryStore } from "../../src/store/memory.ts";

/** Services whose stores share an engine. */
function together(): ServiceOptions {
  const addresses = [randomUUID()];
  return {
    argv: [],
    env: {},
    logger: newLogger({ level: "fatal" }),
    partOptions: { store: { addresses } },
  };
}

const record = { key: "k", value: Buffer.from("v") };

test("the default store is memory, and each service has a table of its own", async () => {
  const options = together();
  await using one = newService({ ...options, name: "one" });
  await using two = newService({ ...options, name: "two" });
  assert.equal(one.store.name, "memory");
  await one.store.write(record);
  await two.store.connect();
  assert.deepEqual(await two.store.list(), []);
  assert.deepEqual(await two.store.list({ table: "one" }), ["k"]);
});

test("the table is named by --store_table, else by the code, else by --server_name, else by the name", async () => {
  const options = together();
  const addresses = options.partOptions?.store?.addresses ?? [];
  await using watcher = newMemoryStore({ addresses });
  for (const [more, table] of [
    [
      {
        argv: ["--store_table=flag", "--server_name=x"],
        partOptions: { store: { addresses, table: "code" } },
      },
      "flag",
    ],
    [{ env: { MICRO_STORE_TABLE: "variable" } }, "variable"],
    [{ argv: ["--server_name=x"], partOptions: { store: { addresses, table: "code" } } }, "code"],
    [{ argv: ["--server_name=renamed"] }, "renamed"],
    [{}, "named"],
  ] as const) {
    await using service = newService({ ...options, ...more, name: "named" });
    // Built before the flags are known, it is built again.
    assert.equal(service.store.name, "memory");
    await service.init();
    await watcher.connect();
    await service.store.write(record);
    assert.deepEqual(await watcher.list({ table }), ["k"]);
    await watcher.delete("k", { table });
  }
});

test("--store_database and --store_address say where the records are", async () => {
  const hub = randomUUID();
  await using service = newService({
    ...together(),
    name: "placed",
    argv: ["--store_database=d", `--store_address=${hub}`],
  });
  await service.init();
  await using watcher = newMemoryStore({ addresses: [hub], database: "d", table: "placed" });
  await watcher.connect();
  await service.store.write(record);
  assert.deepEqual(await watcher.list(), ["k"]);
});

test("a factory in code gets the table too, and a store that is made already is used as it is", async () => {
  const addresses = [randomUUID()];
  await using service = newService({
    ...together(),
    name: "made",
    store: (options) => newMemoryStore({ ...options, addresses }),
  });
  await service.store.write(record);
  await using watcher = newMemoryStore({ addresses, table: "made" });
  assert.deepEqual(await watcher.list(), ["k"]);
  const store = newMemoryStore({ addresses });
  await using other = newService({ ...together(), partOptions: {}, store });
  assert.equal(other.store, store);
});
