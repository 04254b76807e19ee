import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { newBroker } from "@ts-micro/broker-kafka";
import { certificate, kafka, type ServerProcess, startKafka, tlsFixture } from "@ts-micro/conformance";
import { MicroError, newLogger } from "ts-micro";
import type { KafkaBrokerOptions } from "../src/options.ts";
import { message } from "./tools.ts";

const plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
const listener = "listener.name.client.";
const oneLine = (pem: string): string => pem.trim().replaceAll("\n", "\\n");

describe("credentials and TLS", { skip: kafka().skip, timeout: 170_000 }, () => {
  let folder = "";
  let server: ServerProcess;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ts-micro-kafka-"));
    const { cert, key } = tlsFixture("server");
    const users = 'username="admin" password="s3cret" user_admin="s3cret" user_joe="s3cret"';
    server = await startKafka({
      protocol: "SASL_SSL",
      config: [
        "sasl.enabled.mechanisms=PLAIN",
        "sasl.mechanism.inter.broker.protocol=PLAIN",
        `${listener}plain.sasl.jaas.config=${plain} ${users};`,
        "ssl.keystore.type=PEM",
        `ssl.keystore.certificate.chain=${oneLine(cert)}`,
        `ssl.keystore.key=${oneLine(key)}`,
        "ssl.truststore.type=PEM",
        `ssl.truststore.certificates=${oneLine(certificate("ca"))}`,
        "ssl.client.auth=requested",
        "ssl.endpoint.identification.algorithm=",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:admin;User:ANONYMOUS",
      ],
    });
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const admin = (): KafkaBrokerOptions => ({
    addresses: [server.address],
    user: "admin",
    password: "s3cret",
    tls: { ca: certificate("ca") },
    timeoutMs: 10_000,
  });

  async function file(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  }

  /** Publishes and subscribes with these options; what is logged must show no secret. */
  async function use(options: KafkaBrokerOptions): Promise<void> {
    const lines: string[] = [];
    const broker = newBroker({
      ...options,
      logger: newLogger({ level: "trace", write: (line) => void lines.push(line) }),
    });
    try {
      await broker.connect();
      await broker.publish("a", message(1));
      await broker.subscribe("a", () => {}, { queue: "q" });
    } finally {
      assert.doesNotMatch(inspect(broker, { depth: 10, showHidden: true }) + lines.join(""), /s3cret|wrong/);
      await broker.disconnect();
    }
  }

  async function refused(options: KafkaBrokerOptions, code: number, text: RegExp): Promise<void> {
    await assert.rejects(use(options), (thrown: unknown) => {
      assert.ok(MicroError.is(thrown), String(thrown));
      assert.equal(thrown.code, code, thrown.message);
      assert.match(thrown.detail, text);
      assert.doesNotMatch(inspect(thrown, { depth: 10, showHidden: true }), /s3cret|wrong/);
      return true;
    });
  }

  test("user and password over TLS; what is wrong is 401, what isn't allowed 403", async () => {
    await use(admin());
    await refused(
      { ...admin(), password: "wrong" },
      401,
      /127\.0\.0\.1:\d+: .*uthentication.*; give .*MICRO_KAFKA_PASSWORD/,
    );
    await refused({ ...admin(), user: "joe" }, 403, /[Aa]uthoriz/);
    await refused({ ...admin(), saslMechanism: "scram-sha-256" }, 503, /SCRAM|mechanism/i);
  });

  test("TLS verifies the server, and shows a certificate of ours", async () => {
    const ca = await file("ca.pem", certificate("ca"));
    const client = tlsFixture("client");
    const { tls: _, ...rest } = admin();
    await use({
      ...rest,
      tlsCaFile: ca,
      tlsCertFile: await file("c.pem", client.cert),
      tlsKeyFile: await file("k.pem", client.key),
    });
    await use({ ...rest, tls: { insecureSkipVerify: true } });
    await refused({ ...rest, secure: true }, 503, /certificate/);
    await refused({ ...rest, tls: { ca: certificate("ca"), serverName: "other" } }, 503, /other/);
    await refused({ ...rest, tlsCaFile: join(folder, "none.pem") }, 503, /none\.pem/);
    await refused({ ...rest, timeoutMs: 1_000 }, 503, new RegExp(server.address));
  });
});
