/** Users, passwords and TLS; what is in Redis. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { certificate, redis, startRedis, tlsFixture } from "@ts-micro/conformance";
import { newConnection } from "@ts-micro/redis-connection";
import { newStore, type RedisStoreOptions } from "@ts-micro/store-redis";
import { MicroError, newLogger } from "ts-micro";

const { skip } = redis();
const record = { key: "k", value: Buffer.from("v") };

/** What Redis itself answers, without the code under test. */
async function ask(address: string, ...commands: readonly string[][]): Promise<string[]> {
  const owner = { kind: "test", errorId: "test", logger: newLogger({ level: "fatal" }) };
  const connection = newConnection({ addresses: [address] }, owner);
  await connection.open();
  try {
    const replies: string[] = [];
    for (const command of commands) replies.push(String(await connection.session().command(command)));
    return replies;
  } finally {
    await connection.close();
  }
}

/** Writes and lists with these options; what is logged must show no secret. */
async function use(options: RedisStoreOptions): Promise<void> {
  const lines: string[] = [];
  const store = newStore({
    ...options,
    logger: newLogger({ level: "trace", write: (line) => void lines.push(line) }),
  });
  try {
    await store.write(record);
    assert.deepEqual(await store.list(), ["k"]);
  } finally {
    assert.doesNotMatch(inspect(store, { depth: 10, showHidden: true }) + lines.join(""), /s3cret/);
    await store.close();
  }
}

async function refused(options: RedisStoreOptions, code: number, text: RegExp): Promise<void> {
  await assert.rejects(use(options), (thrown: unknown) => {
    assert.ok(MicroError.is(thrown), String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    assert.match(thrown.detail, text);
    assert.doesNotMatch(inspect(thrown, { depth: 10, showHidden: true }), /s3cret|wrong/);
    return true;
  });
}

test("a password, by address or option; what is wrong is 401", { skip }, async () => {
  await using server = await startRedis({ args: ["--requirepass", "s3cret"] });
  const { address } = server;
  await use({ addresses: [`redis://:s3cret@${address}`] });
  await use({ addresses: [address], password: "s3cret" });
  await refused({ addresses: [address] }, 401, new RegExp(`${address}.*NOAUTH`));
  await refused({ addresses: [`redis://:wrong@${address}`] }, 401, /WRONGPASS/);
});

test("a user may do what the README says is needed, and nothing else", { skip }, async () => {
  const commands = "evalsha eval time hget hset hdel zadd zrem zscore zrangebyscore zrangebylex";
  const rights = [...commands.split(" "), "client|setname", "select", "role"].map((name) => `+${name}`);
  const user = ["--user", "joe", "on", ">s3cret", "~micro:{*", ...rights, "--user", "default", "off"];
  await using server = await startRedis({ args: user });
  const joe = { addresses: [server.address], user: "joe", password: "s3cret" };
  await use(joe);
  await use({ addresses: [`redis://joe:s3cret@${server.address}/0`] });
  await refused({ ...joe, password: "wrong" }, 401, /WRONGPASS/);
});

test("a user without rights is refused with 403", { skip }, async () => {
  const user = ["--user", "joe", "on", ">s3cret", "~other:*", "+@all", "--user", "default", "off"];
  await using server = await startRedis({ args: user });
  await refused({ addresses: [`redis://joe:s3cret@${server.address}`] }, 403, /NOPERM/);
});

test("TLS verifies the server, and shows a certificate of ours", { skip }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-redis-tls-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { cert, key } = tlsFixture("server");
  const files = {
    ca: file("ca.pem", certificate("ca")),
    cert: file("cert.pem", cert),
    key: file("key.pem", key),
  };
  await using server = await startRedis({ tls: files });
  const client = tlsFixture("client");
  const own = { tlsCertFile: file("c.pem", client.cert), tlsKeyFile: file("k.pem", client.key) };
  await use({ addresses: [server.address], tlsCaFile: files.ca, ...own });
  await use({ addresses: [`rediss://${server.address}`], tls: { ca: certificate("ca"), ...client } });
  await refused({ addresses: [server.address], secure: true, ...own }, 503, /certificate/);
});

test("a table is four keys, and what is over is freed by whoever comes next", { skip }, async () => {
  await using server = await startRedis();
  await using store = newStore({ addresses: [server.address], database: "a/b", table: "{c}" });
  const place = "micro:{a%2Fb/%7Bc%7D}";
  await store.write({ ...record, metadata: { m: 1 } }, { ttlMs: 600_000 });
  await store.write({ key: "plain", value: Buffer.from("p") });
  await store.write({ key: "over", value: Buffer.from("o"), metadata: { m: 2 } }, { ttlMs: 1 });
  const [value, metadata, keys, all] = await ask(
    server.address,
    ["HGET", `${place}:values`, "plain"],
    ["HGET", `${place}:metadata`, "k"],
    ["KEYS", "*"],
    ["ZCARD", `${place}:ends`],
  );
  assert.deepEqual([value, metadata], ["p", '{"m":1}']);
  assert.deepEqual(
    keys?.split(",").toSorted(),
    ["ends", "keys", "metadata", "values"].map((name) => `${place}:${name}`),
  );
  assert.equal(all, "2");
  while ((await store.list()).length > 2);
  const left = await ask(
    server.address,
    ...["values", "metadata"].map((name) => ["HLEN", `${place}:${name}`]),
    ...["ends", "keys"].map((name) => ["ZCARD", `${place}:${name}`]),
  );
  assert.deepEqual(left, ["2", "1", "1", "2"]);
  await Promise.all([store.delete("k"), store.delete("plain")]);
  assert.deepEqual(await ask(server.address, ["KEYS", "*"]), [""], "an empty table takes no room");
});

test("a list that takes many commands is whole, with every page of it", { skip }, async () => {
  await using server = await startRedis();
  await using store = newStore({ addresses: [server.address], table: "many" });
  const keys = Array.from({ length: 2_500 }, (_, n) => `${String(n).padStart(4, "0")}${n % 2 ? "-odd" : ""}`);
  await Promise.all(keys.map((key) => store.write({ key, value: Buffer.from(key) })));
  assert.deepEqual(await store.list(), keys);
  const odd = keys.filter((key) => key.endsWith("-odd"));
  assert.deepEqual(await store.list({ suffix: "-odd" }), odd);
  for (const [offset, limit] of [
    [0, 1_000],
    [999, 2],
    [1_000, 1_001],
    [1_249, 10],
    [1_250, 10],
  ] as const) {
    const page = odd.slice(offset, offset + limit);
    assert.deepEqual(await store.list({ suffix: "-odd", offset, limit }), page);
    const records = await store.read("-odd", { suffix: true, offset, limit });
    assert.deepEqual(
      records.map(({ key, value }) => [key, Buffer.from(value).toString()]),
      page.map((key) => [key, key]),
    );
  }
});
