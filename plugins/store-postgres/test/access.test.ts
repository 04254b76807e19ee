/** Users, passwords, rights and TLS; what is in the database; several stores on one table. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { certificate, postgres, startPostgres, tlsFixture } from "@ts-micro/conformance";
import { newStore, type PostgresStoreOptions } from "@ts-micro/store-postgres";
import { Client } from "pg";
import { MicroError, newLogger } from "ts-micro";

const { skip } = postgres();
const password = "s3cret/pa:ss@wo'rd";
const record = { key: "k", value: Buffer.from("v") };

/** What PostgreSQL itself says, without the code under test. */
async function ask(address: string, text: string, secret?: string): Promise<Record<string, unknown>[]> {
  const [host, port] = address.split(":");
  const client = new Client({
    ...{ host, port: Number(port), user: "postgres", database: "postgres" },
    ...(secret !== undefined && { password: secret }),
  });
  await client.connect();
  try {
    const { rows } = await client.query(text);
    return rows;
  } finally {
    await client.end();
  }
}

test("passwords work by URL and by option, and stand nowhere", { skip }, async () => {
  await using server = await startPostgres({ password });
  const lines: string[] = [];
  const logger = newLogger({ level: "trace", write: (line) => void lines.push(line) });
  const url = (secret: string) =>
    `postgres://postgres:${encodeURIComponent(secret)}@${server.address}/postgres`;
  await using byUrl = newStore({ addresses: [url(password)], logger });
  await using byOption = newStore({ addresses: [server.address], user: "postgres", password, logger });
  await byUrl.write(record);
  assert.deepEqual(await byOption.list(), ["k"]);
  const shown = [inspect([byUrl, byOption], { depth: null, showHidden: true })];
  for (const options of [
    { addresses: [url("wr0ng")] },
    { addresses: [server.address] },
    { addresses: [server.address], user: "nobody", password: "wr0ng" },
  ]) {
    await using store = newStore({ ...options, logger });
    await assert.rejects(store.connect(), (error) => {
      assert.ok(MicroError.is(error));
      assert.equal(error.code, 401, error.message);
      assert.match(error.detail, /PGUSER and PGPASSWORD/);
      shown.push(inspect(error, { depth: null, showHidden: true }));
      return true;
    });
  }
  for (const text of [...shown, ...lines]) assert.doesNotMatch(text, /s3cret|wr0ng/);
});

test("a user without rights is told what to do; one that may only use the table can", { skip }, async () => {
  await using server = await startPostgres();
  await ask(server.address, "CREATE USER reader; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  const addresses = [`postgres://reader@${server.address}/postgres`];
  await using store = newStore({ addresses });
  await assert.rejects(store.write(record), { code: 403, message: /micro_records/ });
  await using owner = newStore({ addresses: [server.address] });
  await owner.connect();
  await assert.rejects(store.write(record), { code: 403, message: /micro_records/ });
  await ask(server.address, "GRANT SELECT, INSERT, UPDATE, DELETE ON micro_records TO reader");
  await store.write(record);
  assert.deepEqual(await owner.list(), ["k"]);
});

test("TLS verifies, by option, file and URL", { skip }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-postgres-tls-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const tlsCaFile = join(folder, "ca.pem");
  writeFileSync(tlsCaFile, certificate("ca"));
  await using server = await startPostgres({ tls: tlsFixture("server") });
  const { address } = server;
  const ways: PostgresStoreOptions[] = [
    { addresses: [address], tls: { ca: certificate("ca") } },
    { addresses: [address], tlsCaFile },
    { addresses: [`postgres://${address}/postgres?sslmode=require`], tlsCaFile },
  ];
  for (const options of ways) {
    await using store = newStore({ ...options, table: "tls" });
    await store.write(record);
    assert.deepEqual(await store.list(), ["k"]);
  }
  await using distrusting = newStore({ addresses: [address], secure: true });
  await assert.rejects(distrusting.connect(), { code: 503, message: /tls\.ca/ });
  await using stranger = newStore({ addresses: [address], tls: { ca: certificate("stranger") } });
  await assert.rejects(stranger.connect(), { code: 503 });
  await using plain = newStore({ addresses: [`postgres://${address}/postgres?sslmode=disable`], tlsCaFile });
  await assert.rejects(plain.connect(), { code: 401, message: /pg_hba\.conf/ });
});

test("a standby is passed over; alone, it is named as one", { skip }, async () => {
  await using primary = await startPostgres();
  await using standby = await startPostgres({ standby: true });
  await using alone = newStore({ addresses: [standby.address] });
  await assert.rejects(alone.connect(), { code: 503, reason: "connection-failed", message: /is a standby/ });
  await using both = newStore({ addresses: [standby.address, primary.address] });
  await both.write(record);
  await using direct = newStore({ addresses: [primary.address] });
  assert.deepEqual(await direct.list(), ["k"]);
});

test("records are in one table, whoever makes it first", { skip }, async () => {
  await using server = await startPostgres();
  const stores = Array.from({ length: 8 }, (_, n) =>
    newStore({ addresses: [server.address], table: `t${n}` }),
  );
  await Promise.all(stores.map((store) => store.write({ ...record, metadata: { of: "a'b" } })));
  const rows = await ask(
    server.address,
    `SELECT database, "table", key, convert_from(value, 'UTF8') AS value, metadata->>'of' AS of, expires_at FROM micro_records ORDER BY 2`,
  );
  assert.deepEqual(
    rows,
    stores.map((_, n) => ({
      database: "micro",
      table: `t${n}`,
      key: "k",
      value: "v",
      of: "a'b",
      expires_at: null,
    })),
  );
  await Promise.all(stores.map((store) => store.close()));
});
