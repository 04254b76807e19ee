import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { newBroker } from "@ts-micro/broker-mqtt";
import { certificate, mosquitto, requireBinary, startMosquitto, tlsFixture } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { MqttBrokerOptions } from "../src/options.ts";

const nothing = { header: {}, body: new Uint8Array() };

describe("credentials and TLS", { skip: mosquitto().skip, timeout: 120_000 }, () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ts-micro-mqtt-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function file(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  /** Publishes over a connection with these options; what it logged must show no secret. */
  async function use(options: MqttBrokerOptions): Promise<void> {
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

  async function refused(options: MqttBrokerOptions, code: number, text: RegExp): Promise<void> {
    await assert.rejects(use(options), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown), String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.detail, text);
      assert.doesNotMatch(inspect(thrown, { depth: 10, showHidden: true }), /s3cret|wr0ng/);
      return true;
    });
  }

  test("user and password, by address or options; what is wrong is 401, what a user may not do 403", async () => {
    const passwords = await file("passwords", "joe:s3cret\n");
    execFileSync(requireBinary("mosquitto_passwd", "apt-get install mosquitto").path, ["-U", passwords]);
    const rules = await file("rules", "user joe\ntopic readwrite a\n");
    await using server = await startMosquitto({ config: `password_file ${passwords}\nacl_file ${rules}` });
    const { address } = server;
    for (const protocolVersion of [4, 5] as const) {
      await use({ addresses: [`mqtt://joe:s3cret@${address}`], protocolVersion });
      await use({ addresses: [address], user: "joe", password: "s3cret", protocolVersion });
      await refused(
        { addresses: [address], protocolVersion },
        401,
        new RegExp(`${address}.*not authorised.*give mqtt://user:.* MICRO_MQTT_PASSWORD`),
      );
      await refused(
        { addresses: [`joe:wr0ng@${address}`], user: "joe", password: "s3cret", protocolVersion },
        401,
        /not authorised/,
      );
    }
    const logger = newLogger({ level: "fatal" });
    await using broker = newBroker({ addresses: [`joe:s3cret@${address}`], logger });
    await broker.connect();
    await assert.rejects(broker.publish("b", nothing), { code: 403 });
    await broker.publish("a", nothing);
  });

  test("TLS verifies the server, and shows a certificate of ours", async () => {
    const { cert, key } = tlsFixture("server");
    const ca = await file("ca.pem", certificate("ca"));
    const own = { cert: await file("cert.pem", cert), key: await file("key.pem", key) };
    await using server = await startMosquitto({ tls: own });
    const { address } = server;
    await use({ addresses: [address], tls: { ca: certificate("ca") } });
    await use({ addresses: [`mqtts://${address}`], tlsCaFile: ca });
    await use({ addresses: [address], tls: { insecureSkipVerify: true } });
    await refused({ addresses: [address], secure: true }, 503, /certificate/);
    await refused(
      { addresses: [address], tls: { ca: certificate("ca"), serverName: "other" } },
      503,
      /other/,
    );

    const config = `allow_anonymous true\ncafile ${ca}\nrequire_certificate true`;
    await using mutual = await startMosquitto({ tls: own, config });
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
      /certificate|ECONNRESET|EPIPE|closed the connection/,
    );

    await using plain = await startMosquitto();
    await refused(
      { addresses: [plain.address], secure: true, timeoutMs: 2_000 },
      503,
      /TLS|tls|closed|disconnected|ECONNRESET/,
    );
  });
});
