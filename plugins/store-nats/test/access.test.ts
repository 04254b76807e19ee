/** Users and TLS, servers that can't, and what is in NATS. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import { jetstreamManager } from "@nats-io/jetstream";
import { certificate, nats, startNats, tlsFixture } from "@ts-micro/conformance";
import { newConnection } from "@ts-micro/nats-connection";
import { type NatsStoreOptions, newStore } from "@ts-micro/store-nats";
import { MicroError, newLogger } from "ts-micro";
import { keyOf, keySubject } from "../src/names.ts";

const { skip } = nats();
const record = { key: "k", value: Buffer.from("v") };

/** Writes and lists with these options; what is logged must show no secret. */
async function use(options: NatsStoreOptions): Promise<void> {
  const lines: string[] = [];
  const logger = newLogger({ level: "trace", write: (line) => void lines.push(line) });
  const store = newStore({ ...options, logger });
  try {
    await store.write(record);
    assert.deepEqual(await store.list(), ["k"]);
  } finally {
    assert.doesNotMatch(inspect(store, { depth: 10, showHidden: true }) + lines.join(""), /s3cret/);
    await store.close();
  }
}

async function refused(options: NatsStoreOptions, code: number, text: RegExp): Promise<void> {
  await assert.rejects(use(options), (thrown: unknown) => {
    assert.ok(MicroError.is(thrown), String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    assert.match(thrown.detail, text);
    assert.doesNotMatch(inspect(thrown, { depth: 10, showHidden: true }), /s3cret|wr0ng/);
    return true;
  });
}

/** The subjects of a stream, asked without the code under test. */
async function subjectsIn(address: string, stream: string): Promise<string[]> {
  const logger = newLogger({ level: "fatal" });
  const connection = newConnection({ addresses: [address] }, { kind: "test", errorId: "test", logger });
  await connection.open();
  try {
    const manager = await jetstreamManager(connection.session().nats);
    const { state } = await manager.streams.info(stream, { subjects_filter: ">" });
    return Object.keys(state.subjects ?? {}).sort();
  } finally {
    await connection.close();
  }
}

test("a user and password, by address or option; what is wrong is 401", { skip }, async () => {
  const config = "authorization { user: joe, password: s3cret }";
  await using server = await startNats({ jetstream: true, config });
  await use({ addresses: [`nats://joe:s3cret@${server.address}`] });
  await use({ addresses: [server.address], user: "joe", password: "s3cret" });
  await refused({ addresses: [server.address] }, 401, /Authorization/i);
  await refused({ addresses: [`nats://joe:wr0ng@${server.address}`] }, 401, /Authorization/i);
});

test("TLS verifies", { skip }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-nats-tls-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { cert, key } = tlsFixture("server");
  const config = `tls { cert_file: "${file("cert.pem", cert)}", key_file: "${file("key.pem", key)}" }`;
  await using server = await startNats({ jetstream: true, config });
  const { address } = server;
  await use({ addresses: [address], tls: { ca: certificate("ca") } });
  await use({ addresses: [`tls://${address}`], tlsCaFile: file("ca.pem", certificate("ca")) });
  await refused({ addresses: [address], secure: true }, 503, /certificate/);
});

test("a server without JetStream is told what to enable", { skip }, async () => {
  await using server = await startNats();
  await refused({ addresses: [server.address] }, 501, /enable JetStream there/);
});

test("a record that is longer than the server takes is 413, and the connection stays", { skip }, async () => {
  await using server = await startNats({ jetstream: true });
  await using store = newStore({ addresses: [server.address], table: "long" });
  await store.write(record);
  for (const more of [{ value: Buffer.alloc(8 * 1024 * 1024) }, { metadata: { m: "x".repeat(9_000_000) } }]) {
    await assert.rejects(store.write({ ...record, ...more }), {
      code: 413,
      reason: "too-large",
      message: /max_payload/,
    });
  }
  assert.deepEqual(await store.list(), ["k"]);
});

test("a database is a bucket, its names are readable where they can be, and what is over is freed", {
  skip,
}, async () => {
  await using server = await startNats({ jetstream: true });
  await using store = newStore({ addresses: [server.address], table: "users" });
  await store.write({ key: "plain-1", value: Buffer.from("p") });
  await store.write({ key: "user/1", value: Buffer.from("u") });
  await store.write({ key: "over", value: Buffer.from("o") }, { ttlMs: 1 });
  const encoded = `$KV.micro.users.=${Buffer.from("user/1").toString("base64url")}`;
  while ((await store.list()).length > 2) await pause(5);
  while ((await subjectsIn(server.address, "KV_micro")).length > 2) await pause(20);
  assert.deepEqual(await subjectsIn(server.address, "KV_micro"), [encoded, "$KV.micro.users.plain-1"].sort());
  await Promise.all([store.delete("plain-1"), store.delete("user/1")]);
  assert.deepEqual(await subjectsIn(server.address, "KV_micro"), [], "nothing is left of what was deleted");
});

test("names become subjects and come back", () => {
  const place = { database: "micro", table: "t" };
  for (const key of ["a", "A_b-9", "a.b", "=", "=a", "*", ">", "ключ", "x".repeat(1_024), "ж".repeat(512)]) {
    const subject = keySubject(place, key);
    assert.equal(keyOf(subject), key);
    assert.match(subject, /^\$KV\.micro\.t\.[A-Za-z0-9_=-]+$/);
  }
  const long = { database: "d".repeat(255), table: "ы".repeat(127) };
  assert.ok(keySubject(long, "ж".repeat(512)).length < 2_000);
});
