import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newRegistry } from "../src/index.ts";
import { settingsOf } from "../src/options.ts";

test("addresses are hosts or URLs, https unless they say otherwise", () => {
  const { servers, namespace } = settingsOf({
    addresses: ["a", "b:6443", "[::1]", "https://c:6443/", "http://d:8001"],
  });
  assert.deepEqual(servers, [
    { address: "a:443", tls: {} },
    { address: "b:6443", tls: {} },
    { address: "[::1]:443", tls: {} },
    { address: "c:6443", tls: {} },
    { address: "d:8001", tls: undefined },
  ]);
  assert.equal(namespace, "default");
});

test("without addresses it is in a pod, which variables and its service account describe", (context) => {
  const accountFolder = mkdtempSync(join(tmpdir(), "ts-micro-account-"));
  context.after(() => rmSync(accountFolder, { recursive: true, force: true }));
  for (const [name, text] of [
    ["token", "t0ken\n"],
    ["namespace", "shop\n"],
    ["ca.crt", "PEM"],
  ] as const) {
    writeFileSync(join(accountFolder, name), text);
  }
  const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443", HOSTNAME: "greeter-1" };
  const { token, ...settings } = settingsOf({ accountFolder }, env);
  assert.deepEqual(settings, {
    servers: [{ address: "[fd00::1]:6443", tls: { ca: Buffer.from("PEM") } }],
    namespace: "shop",
    podName: "greeter-1",
  });
  assert.equal(token(), "t0ken");
  assert.equal(settingsOf({ accountFolder, namespace: "other", podName: "x" }, env).namespace, "other");
  assert.throws(() => settingsOf({}, {}), /KUBERNETES_SERVICE_HOST is not set.*--registry_address/);
});

for (const address of ["", "https://", "a:99999", "a/path", "https://u:s3cret@a", "a?token=s3cret"]) {
  test(`the address "${address}" is refused, and no secret shown`, () => {
    assert.throws(
      () => newRegistry({ addresses: [address] }),
      (error: Error) =>
        /kubernetes address ".*" is not an address; write https:/.test(error.message) &&
        !error.message.includes("s3cret"),
    );
  });
}
