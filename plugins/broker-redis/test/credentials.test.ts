import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { newBroker } from "@ts-micro/broker-redis";
import { certificate, redis, startRedis, tlsFixture } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { RedisBrokerOptions } from "../src/options.ts";
import { message } from "./tools.ts";

describe("credentials and TLS", { skip: redis().skip, timeout: 120_000 }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ts-micro-redis-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function file(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  /** Publishes and subscribes with these options; what is logged must show no secret. */
  async function use(options: RedisBrokerOptions): Promise<void> {
    const lines: string[] = [];
    const broker = newBroker({
      ...options,
      logger: newLogger({ level: "trace", write: (line) => void lines.push(line) }),
    });
    try {
      await broker.connect();
      await broker.subscribe("a", () => {}, broker.supports.queue ? { queue: "q" } : {});
      await broker.publish("a", message(1));
    } finally {
      assert.doesNotMatch(inspect(broker, { depth: 10, showHidden: true }) + lines.join(""), /s3cret/);
      await broker.disconnect();
    }
  }

  async function refused(options: RedisBrokerOptions, code: number, text: RegExp): Promise<void> {
    await assert.rejects(use(options), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown), String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.detail, text);
      assert.doesNotMatch(inspect(thrown, { depth: 10, showHidden: true }), /s3cret|wrong/);
      return true;
    });
  }

  test("a password, by address or option; what is wrong is 401", async () => {
    await using server = await startRedis({ args: ["--requirepass", "s3cret"] });
    const { address } = server;
    await use({ addresses: [`redis://:s3cret@${address}`] });
    await use({ addresses: [address], password: "s3cret" });
    await refused(
      { addresses: [address] },
      401,
      new RegExp(`${address}.*NOAUTH.*give redis://user:.* MICRO_REDIS_PASSWORD`),
    );
    await refused({ addresses: [`redis://:wrong@${address}`], password: "s3cret" }, 401, /WRONGPASS/);
  });

  test("a user may do what the README says is needed, and nothing else", async () => {
    const both = ["+client|setname", "+select", "+ping", "+role"];
    const rights = [
      ...[
        "~micro:topic:*",
        "+xadd",
        "+xread",
        "+xgroup|create",
        "+xgroup|delconsumer",
        "+xreadgroup",
        "+xack",
      ],
      ...["+xpending", "+xclaim", "+xinfo|stream", "+client|id", "+client|unblock", ...both],
    ];
    const ann = ["--user", "ann", "on", ">s3cret", "&*", "+publish", "+subscribe", ...both];
    const user = ["--user", "joe", "on", ">s3cret", ...rights, ...ann, "--user", "default", "off"];
    await using server = await startRedis({ args: user });
    const { address } = server;
    await use({ addresses: [`redis://joe:s3cret@${address}/0`] });
    await use({ addresses: [`ann:s3cret@${address}`], mode: "pubsub" });
    const joe = { addresses: [address], user: "joe", password: "s3cret" };
    await refused({ ...joe, keyPrefix: "other:" }, 403, /refused to subscribe to "a": NOPERM/);
    await refused({ ...joe, password: "wrong" }, 401, /WRONGPASS/);
  });

  test("databases keep streams apart", async () => {
    await using server = await startRedis();
    const one = newBroker({ addresses: [`redis://${server.address}/1`] });
    const other = newBroker({ addresses: [server.address], redisDatabase: 2 });
    await Promise.all([one.connect(), other.connect()]);
    let seen = 0;
    await one.subscribe("a", () => void seen++);
    await other.publish("a", message(1));
    await one.publish("a", message(2));
    await Promise.all([one.disconnect(), other.disconnect()]);
    assert.equal(seen, 1);
    await refused({ addresses: [`${server.address}/77`] }, 503, /out of range/);
  });

  test("TLS verifies the server, and shows a certificate of ours", async () => {
    const { cert, key } = tlsFixture("server");
    const ca = await file("ca.pem", certificate("ca"));
    const files = { ca, cert: await file("cert.pem", cert), key: await file("key.pem", key) };
    await using server = await startRedis({ tls: files, args: ["--tls-auth-clients", "no"] });
    const { address } = server;
    await use({ addresses: [address], tls: { ca: certificate("ca") } });
    await use({ addresses: [`rediss://${address}`], tlsCaFile: ca });
    await use({ addresses: [address], tls: { insecureSkipVerify: true } });
    await refused({ addresses: [address], secure: true }, 503, /certificate/);
    await refused(
      { addresses: [address], tls: { ca: certificate("ca"), serverName: "other" } },
      503,
      /other/,
    );
    await refused({ addresses: [address] }, 503, new RegExp(address));
    await refused({ addresses: [address], tlsCaFile: join(folder, "none.pem") }, 503, /none\.pem/);

    await using mutual = await startRedis({ tls: files });
    const client = tlsFixture("client");
    const own = {
      tlsCertFile: await file("c.pem", client.cert),
      tlsKeyFile: await file("k.pem", client.key),
    };
    await use({ addresses: [mutual.address], tlsCaFile: ca, ...own });
    // In TLS 1.3 the refusal follows the handshake, and may be overtaken by a reset.
    await refused({ addresses: [mutual.address], tlsCaFile: ca, timeoutMs: 2_000 }, 503, /redis/);

    await using plain = await startRedis();
    await refused({ addresses: [plain.address], secure: true, timeoutMs: 2_000 }, 503, /redis/);
  });
});
