/** Users, passwords and TLS. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { certificate, etcd, startEtcd, tlsFixture } from "@ts-micro/conformance";
import { MicroError } from "ts-micro";
import { newRegistry } from "../src/index.ts";
import { ask, record, recordedLogger, serviceOf, until } from "./bench.ts";

const { skip } = etcd();
const password = "s3cret/pa:ss@word";

async function startWithUsers() {
  const server = await startEtcd();
  for (const name of ["root", "greeter", "stranger"])
    await ask(server.address, "auth/user/add", { name, password });
  for (const name of ["root", "micro"]) await ask(server.address, "auth/role/add", { name });
  const [key, range_end] = ["/micro/registry/", "/micro/registry0"].map((text) =>
    Buffer.from(text).toString("base64"),
  );
  const perm = { permType: "READWRITE", key, range_end };
  await ask(server.address, "auth/role/grant", { name: "micro", perm });
  await ask(server.address, "auth/user/grant", { user: "root", role: "root" });
  await ask(server.address, "auth/user/grant", { user: "greeter", role: "micro" });
  await ask(server.address, "auth/enable", {});
  return server;
}

test("a user's registrations and watches outlive a restart, which forgets all tokens", { skip }, async () => {
  await using server = await startWithUsers();
  const { lines, logger } = recordedLogger();
  const url = `http://greeter:${encodeURIComponent(password)}@${server.address}`;
  await using byUrl = newRegistry({ addresses: [url], logger });
  await using byOption = newRegistry({ addresses: [server.address], user: "greeter", password, logger });
  const watched = record(await byUrl.watch({ service: "with-user" }));
  await byOption.register(serviceOf("with-user", "a"), { ttlMs: 60_000 });
  await server.kill();
  await server.start();
  await until("registered", () =>
    byOption.register(serviceOf("with-user", "b"), { ttlMs: 60_000 }).then(
      () => true,
      () => false,
    ),
  );
  await until("watched", () => watched.changes.length > 1);
  assert.deepEqual(watched.changes, ["create a", "create b"]);
  assert.equal((await byUrl.getService("with-user"))[0]?.nodes.length, 2);
  for (const shown of [...lines, inspect([byUrl, byOption], { depth: null, showHidden: true })]) {
    assert.ok(!shown.includes("s3cret"), shown);
  }
});

test("who may not is told what to do, without the password", { skip }, async () => {
  await using server = await startWithUsers();
  const refused = async (code: number, cure: RegExp, options: { user?: string; password?: string }) => {
    await using registry = newRegistry({ addresses: [server.address], ...options });
    const attempts = [
      () => registry.getService("x"),
      () => registry.register(serviceOf("x", "a")),
      () => registry.watch(),
    ];
    for (const attempt of attempts) {
      const error = await attempt().then(
        () => assert.fail("nothing was refused"),
        (thrown: unknown) => thrown,
      );
      assert.ok(MicroError.is(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.detail, cure);
      assert.doesNotMatch(inspect(error, { depth: null, showHidden: true }), /s3cret|wr0ng/);
    }
  };
  await refused(401, /ETCD_USERNAME/, {});
  await refused(401, /ETCD_USERNAME/, { user: "greeter", password: "wr0ng" });
  await refused(403, /role/, { user: "stranger", password });
});

test("credentials for an etcd that asks for none do no harm", { skip }, async () => {
  await using server = await startEtcd();
  await using registry = newRegistry({ addresses: [server.address], user: "greeter", password });
  await registry.register(serviceOf("no-users", "a"));
  assert.equal((await registry.getService("no-users")).length, 1);
});

test("TLS verifies, by option, file and URL", { skip }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "ts-micro-etcd-tls-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const { cert, key } = tlsFixture("server");
  const tlsCaFile = file("ca.pem", certificate("ca"));
  await using server = await startEtcd({ tls: { cert: file("cert.pem", cert), key: file("key.pem", key) } });
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
  }
  await using distrusting = newRegistry({ addresses: [`https://${server.address}`] });
  await assert.rejects(distrusting.getService("with-tls"), { code: 503, message: /tls\.ca/ });
  await using plain = newRegistry({ addresses });
  await assert.rejects(plain.getService("with-tls"), { code: 503 });
});
