/** Tokens and TLS. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { certificate, consul, startConsul, tlsFixture } from "@ts-micro/conformance";
import { MicroError } from "ts-micro";
import { newRegistry } from "../src/index.ts";
import { ask, found, record, recordedLogger, serviceOf, until } from "./bench.ts";

const { skip } = consul();

/** A Consul that allows nothing without a token, and tokens for `rules`. */
async function startWithTokens() {
  const management = randomUUID();
  const server = await startConsul({
    config: `acl { enabled = true default_policy = "deny" tokens { initial_management = "${management}" agent = "${management}" } }`,
  });
  const put = (path: string, body: object) =>
    ask(server.address, path, { method: "PUT", body, token: management });
  await until("the tokens can be used", async () =>
    ask(server.address, "acl/tokens", { token: management }).then(
      () => true,
      () => false,
    ),
  );
  return {
    ...server,
    async tokenFor(name: string, rules: string): Promise<string> {
      await put("acl/policy", { Name: name, Rules: rules });
      const { SecretID } = (await put("acl/token", { Policies: [{ Name: name }] })) as { SecretID: string };
      return SecretID;
    },
  };
}

const mayRegister = 'service_prefix "with-token" { policy = "write" } node_prefix "" { policy = "read" }';

test("registrations and watches with a token outlive a restart; the token stands nowhere", {
  skip,
}, async () => {
  await using server = await startWithTokens();
  const token = await server.tokenFor("greeter", mayRegister);
  const { lines, logger } = recordedLogger();
  await using registry = newRegistry({ addresses: [server.address], token, logger });
  const watched = record(await registry.watch({ service: "with-token" }));
  await registry.register(serviceOf("with-token", "a"), { ttlMs: 60_000 });
  await until("a is told", () => watched.changes.length > 0);
  await server.kill();
  await assert.rejects(
    registry.getService("with-token"),
    (error) => !inspect(error, { depth: null, showHidden: true }).includes(token),
  );
  await server.start();
  await until("b is registered", () =>
    registry.register(serviceOf("with-token", "b"), { ttlMs: 60_000 }).then(
      () => true,
      () => false,
    ),
  );
  await until("b is told", () => watched.changes.length > 1);
  assert.deepEqual(watched.changes, ["create a", "create b"]);
  for (const shown of [...lines, inspect(registry, { depth: null, showHidden: true })]) {
    assert.ok(!shown.includes(token), shown);
  }
});

test("who may not is told what to do, without the token", { skip }, async () => {
  await using server = await startWithTokens();
  const refused = async (token: string | undefined, attempts: ("read" | "write")[]) => {
    await using registry = newRegistry({
      addresses: [server.address],
      ...(token !== undefined && { token }),
    });
    for (const attempt of attempts) {
      const error = await (attempt === "read"
        ? registry.getService("with-token")
        : registry.register(serviceOf("with-token", "a"))
      ).then(
        () => assert.fail(`${attempt} was not refused`),
        (thrown: unknown) => thrown,
      );
      assert.ok(MicroError.is(error));
      assert.equal(error.code, 403, error.message);
      assert.match(error.detail, /service:(read|write)/);
      if (token !== undefined) assert.ok(!inspect(error, { depth: null, showHidden: true }).includes(token));
    }
  };
  const owner = await server.tokenFor("owner", mayRegister);
  await using registry = newRegistry({ addresses: [server.address], token: owner });
  await registry.register(serviceOf("with-token", "a"));
  await until("it is found", async () => (await found(registry, "with-token")).length === 1);
  await refused(undefined, ["write"]);
  await refused("c0ffee00-no-such-token", ["read", "write"]);
  await refused(await server.tokenFor("stranger", 'service_prefix "other" { policy = "read" }'), [
    "read",
    "write",
  ]);
});

test("a token's file is read anew, so that the token can be changed", { skip }, async (context) => {
  await using server = await startWithTokens();
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-consul-token-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "c0ffee00-not-yet\n");
  await using registry = newRegistry({ addresses: [server.address], tokenFile });
  await assert.rejects(registry.register(serviceOf("with-token", "a")), { code: 403 });
  writeFileSync(tokenFile, `${await server.tokenFor("greeter", mayRegister)}\n`);
  await registry.register(serviceOf("with-token", "a"));
});

test("TLS verifies, by option, file and URL", { skip }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-consul-tls-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { cert, key } = tlsFixture("server");
  const tlsCaFile = file("ca.pem", certificate("ca"));
  await using server = await startConsul({
    tls: { cert: file("cert.pem", cert), key: file("key.pem", key) },
  });
  const addresses = [server.address];
  const ways = [
    { addresses, tls: { ca: certificate("ca") } },
    { addresses, tlsCaFile },
    { addresses: [`https://${server.address}`], tlsCaFile },
  ];
  for (const options of ways) {
    await using registry = newRegistry(options);
    const watched = record(await registry.watch({ service: "with-tls" }));
    await registry.register(serviceOf("with-tls", "a"));
    await until("the change", () => watched.changes.length > 0);
    await registry.deregister(serviceOf("with-tls", "a"));
    await until("the end", () => watched.changes.length > 1);
  }
  await using distrusting = newRegistry({ addresses: [`https://${server.address}`] });
  await assert.rejects(distrusting.getService("with-tls"), { code: 503, message: /tls\.ca/ });
  await using plain = newRegistry({ addresses });
  await assert.rejects(plain.getService("with-tls"), MicroError);
});
