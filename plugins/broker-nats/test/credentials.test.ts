import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { nkeys } from "@nats-io/transport-node";
import { newBroker } from "@ts-micro/broker-nats";
import { certificate, nats, startNats, tlsFixture } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { NatsBrokerOptions } from "../src/options.ts";
import { newCredentials } from "./jwt.ts";

const nothing = { header: {}, body: new Uint8Array() };

describe("credentials and TLS", { skip: nats().skip, timeout: 120_000 }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ts-micro-nats-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function file(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  /** Publishes over a connection with these options; what it logged must show no secret. */
  async function use(options: NatsBrokerOptions): Promise<void> {
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

  async function refused(options: NatsBrokerOptions, code: number, text: RegExp): Promise<void> {
    await assert.rejects(use(options), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown), String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.detail, text);
      assert.doesNotMatch(inspect(thrown, { depth: 10, showHidden: true }), /s3cret|wrong/);
      return true;
    });
  }

  test("user and password, by address or options; what is wrong is 401", async () => {
    await using server = await startNats({ config: "authorization { user: joe, password: s3cret }" });
    const { address } = server;
    await use({ addresses: [`nats://joe:s3cret@${address}`] });
    await use({ addresses: [address], user: "joe", password: "s3cret" });
    await refused(
      { addresses: [address] },
      401,
      new RegExp(`${address}.*Authorization Violation.*give nats://user:.* MICRO_NATS_PASSWORD`, "i"),
    );
    await refused(
      { addresses: [`joe:wrong@${address}`], user: "joe", password: "s3cret" },
      401,
      /Authorization/i,
    );
  });

  test("a token, by address or option", async () => {
    await using server = await startNats({ config: "authorization { token: s3cret }" });
    await use({ addresses: [`nats://s3cret@${server.address}`] });
    await use({ addresses: [server.address], token: "s3cret" });
    await refused({ addresses: [server.address], token: "wrong" }, 401, /Authorization/i);
  });

  test("an NKEY from a file", async () => {
    const key = nkeys.createUser();
    const seed = Buffer.from(key.getSeed()).toString();
    await using server = await startNats({
      config: `authorization { users: [{ nkey: ${key.getPublicKey()} }] }`,
    });
    await use({ addresses: [server.address], nkeyFile: await file("user.nk", `${seed}\n`) });
    const other = Buffer.from(nkeys.createUser().getSeed()).toString();
    await refused(
      { addresses: [server.address], nkeyFile: await file("other.nk", other) },
      401,
      /Authorization/i,
    );
    await refused({ addresses: [server.address], nkeyFile: join(folder, "none.nk") }, 503, /none\.nk/);
  });

  test("a creds file with a JWT", async () => {
    const { config, creds } = newCredentials();
    await using server = await startNats({ config });
    await use({ addresses: [server.address], credsFile: await file("user.creds", creds) });
    await refused({ addresses: [server.address] }, 401, /Authorization/i);
  });

  test("what a user may not do is 403, and the connection goes on", async () => {
    const permissions = '{ publish: "a", subscribe: "a" }';
    const config = `authorization { users: [{ user: joe, password: s3cret, permissions: ${permissions} }] }`;
    await using server = await startNats({ config });
    const logger = newLogger({ level: "fatal" });
    const broker = newBroker({ addresses: [`joe:s3cret@${server.address}`], logger });
    await broker.connect();
    const results = await Promise.allSettled([
      broker.publish("a", nothing),
      broker.publish("b", nothing),
      broker.subscribe("a", () => {}),
      broker.subscribe("b", () => {}),
      broker.publish("a", nothing),
    ]);
    assert.deepEqual(
      results.map((result) => (result.status === "rejected" ? result.reason.detail : "done")),
      [
        "done",
        `the nats server doesn't allow this user to publish on "b"`,
        "done",
        `the nats server doesn't allow this user to subscribe to "b"`,
        "done",
      ],
    );
    await broker.disconnect();
  });

  test("TLS verifies the server, and shows a certificate of ours", async () => {
    const { cert, key } = tlsFixture("server");
    const ca = await file("ca.pem", certificate("ca"));
    const own = { cert: await file("cert.pem", cert), key: await file("key.pem", key) };
    const tls = `cert_file: "${own.cert}", key_file: "${own.key}", ca_file: "${ca}"`;
    await using server = await startNats({ config: `tls { ${tls} }` });
    const { address } = server;
    await use({ addresses: [address], tls: { ca: certificate("ca") } });
    await use({ addresses: [`tls://${address}`], tlsCaFile: ca });
    await use({ addresses: [address], tls: { insecureSkipVerify: true } });
    await refused({ addresses: [address], secure: true }, 503, /certificate/);
    await refused(
      { addresses: [address], tls: { ca: certificate("ca"), serverName: "other" } },
      503,
      /other/,
    );

    await using mutual = await startNats({ config: `tls { ${tls}, verify: true }` });
    const client = tlsFixture("client");
    const files = {
      tlsCertFile: await file("c.pem", client.cert),
      tlsKeyFile: await file("k.pem", client.key),
    };
    await use({ addresses: [mutual.address], tlsCaFile: ca, ...files });
    // In TLS 1.3 the refusal follows the handshake, and what was written meanwhile may overtake it as a reset.
    await refused(
      { addresses: [mutual.address], tlsCaFile: ca, timeoutMs: 2_000 },
      503,
      /certificate|ECONNRESET/,
    );

    await using plain = await startNats();
    await refused({ addresses: [plain.address], secure: true }, 503, /tls/);
  });
});
