import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { newBroker } from "@ts-micro/broker-rabbitmq";
import {
  certificate,
  type RabbitmqProcess,
  rabbitmq,
  startRabbitmq,
  tlsFixture,
} from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { RabbitmqBrokerOptions } from "../src/options.ts";

const nothing = { header: {}, body: new Uint8Array() };

describe("credentials and TLS", { skip: rabbitmq().skip, timeout: 120_000 }, () => {
  let folder = "";
  let ca = "";
  let server: RabbitmqProcess;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ts-micro-rabbitmq-"));
    const { cert, key } = tlsFixture("server");
    ca = await file("ca.pem", certificate("ca"));
    const everything = { configure: ".*", write: ".*", read: ".*" };
    server = await startRabbitmq({
      tls: { cert: await file("cert.pem", cert), key: await file("key.pem", key), ca },
      definitions: {
        vhosts: [{ name: "/" }, { name: "shop" }],
        users: [
          { name: "joe", password: "s3cret", tags: "" },
          { name: "ann", password: "s3cret", tags: "" },
        ],
        permissions: [
          { user: "joe", vhost: "/", ...everything },
          { user: "joe", vhost: "shop", ...everything },
          { user: "ann", vhost: "/", configure: "^micro$", write: "^micro$", read: "^$" },
        ],
      },
    });
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function file(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  /** Publishes over a connection with these options; what it logged must show no secret. */
  async function use(options: RabbitmqBrokerOptions): Promise<void> {
    const lines: string[] = [];
    const broker = newBroker({
      ...options,
      logger: newLogger({ level: "trace", write: (line) => void lines.push(line) }),
    });
    try {
      await broker.connect();
      await broker.publish("a", nothing);
    } finally {
      assert.doesNotMatch(inspect(broker, { depth: 10, showHidden: true }) + lines.join(""), /s3cret/);
      await broker.disconnect();
    }
  }

  async function refused(options: RabbitmqBrokerOptions, code: number, text: RegExp): Promise<void> {
    await assert.rejects(use(options), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown), String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.detail, text);
      assert.doesNotMatch(inspect(thrown, { depth: 10, showHidden: true }), /s3cret|wr0ng/);
      return true;
    });
  }

  test("user, password and virtual host, by address or options; what is wrong is 401", async () => {
    const { address } = server;
    const joe = { user: "joe", password: "s3cret" };
    await use({ addresses: [`amqp://joe:s3cret@${address}`] });
    await use({ addresses: [`amqp://joe:s3cret@${address}/shop`] });
    await use({ addresses: [address], ...joe, vhost: "shop" });
    await refused(
      { addresses: [address] },
      401,
      new RegExp(`${address}.*ACCESS_REFUSED.*give amqp://user:.* MICRO_RABBITMQ_PASSWORD`),
    );
    await refused({ addresses: [`joe:wr0ng@${address}`], ...joe }, 401, /ACCESS_REFUSED/);
    await refused({ addresses: [address], ...joe, vhost: "none" }, 503, /no virtual host "none"/);
  });

  test("what a user may not do is 403, and the connection goes on", async () => {
    const ann = { addresses: [`ann:s3cret@${server.address}`], logger: newLogger({ level: "fatal" }) };
    await refused({ ...ann, exchange: "other" }, 403, /refuses exchange "other": .*ACCESS_REFUSED/);
    await using broker = newBroker(ann);
    await broker.connect();
    await assert.rejects(
      broker.subscribe("a", () => {}, { queue: "q" }),
      (thrown: unknown) => MicroError.is(thrown) && thrown.code === 403 && /queue "q:a"/.test(thrown.detail),
    );
    await broker.publish("a", nothing);
  });

  test("TLS verifies the server, and shows a certificate of ours", async () => {
    const { address, tlsAddress } = server;
    const joe = { user: "joe", password: "s3cret" };
    await use({ addresses: [tlsAddress], ...joe, tls: { ca: certificate("ca") } });
    await use({ addresses: [`amqps://joe:s3cret@${tlsAddress}`], tlsCaFile: ca });
    await use({ addresses: [tlsAddress], ...joe, tls: { insecureSkipVerify: true } });
    await refused({ addresses: [tlsAddress], ...joe, secure: true }, 503, /certificate/);
    await refused(
      { addresses: [tlsAddress], ...joe, tls: { ca: certificate("ca"), serverName: "other" } },
      503,
      /other/,
    );

    const { cert, key } = tlsFixture("client");
    const own = { tlsCertFile: await file("c.pem", cert), tlsKeyFile: await file("k.pem", key) };
    await use({ addresses: [tlsAddress], ...joe, tlsCaFile: ca, ...own });
    await refused(
      { addresses: [tlsAddress], ...joe, tlsCaFile: ca, ...own, tlsCertFile: join(folder, "none.pem") },
      503,
      /none\.pem/,
    );
    await refused(
      { addresses: [address], ...joe, secure: true, timeoutMs: 2_000 },
      503,
      /TLS|tls|closed|ECONNRESET/,
    );
  });
});
