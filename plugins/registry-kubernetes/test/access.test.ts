/** Roles, the service account of a pod, and TLS. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { certificate, type KubernetesServer, kubernetes, startKubernetes } from "@ts-micro/conformance";
import { MicroError } from "ts-micro";
import { newRegistry } from "../src/index.ts";
import { found, recordedLogger, registryOn, serviceOf, startPod, until } from "./bench.ts";

const { skip } = kubernetes();
const roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";

/** What a service needs, as the README says. */
async function allowGreeter(server: KubernetesServer): Promise<void> {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  await server.ask("POST", `${roles}/roles`, {
    ...{ apiVersion, kind: "Role", metadata: { name: "micro" } },
    rules: [
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch", "patch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  });
  await server.ask("POST", `${roles}/rolebindings`, {
    ...{ apiVersion, kind: "RoleBinding", metadata: { name: "micro" } },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "micro" },
    subjects: [{ kind: "User", name: "greeter" }],
  });
}

test("in a pod everything is its service account's, whose token changes", { skip }, async (context) => {
  await using server = await startKubernetes();
  await startPod(server, "greeter-pod");
  const accountFolder = mkdtempSync(join(tmpdir(), "ts-micro-account-"));
  context.after(() => rmSync(accountFolder, { recursive: true, force: true }));
  const write = (name: string, text: string): void => writeFileSync(join(accountFolder, name), text);
  write("token", "not-yet-valid");
  write("namespace", "default");
  write("ca.crt", certificate("ca"));
  const [host = "", port = ""] = server.address.split(":");
  const saved = { ...process.env };
  Object.assign(process.env, {
    ...{ KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, HOSTNAME: "greeter-pod" },
  });
  context.after(() => {
    process.env = saved;
  });
  const { lines, logger } = recordedLogger();
  await using registry = newRegistry({ accountFolder, logger });
  await assert.rejects(registry.getService("greeter"), { code: 401 });
  write("token", server.userToken);
  await assert.rejects(registry.register(serviceOf("greeter", "a")), (error) => {
    assert.ok(MicroError.is(error));
    assert.equal(error.code, 403);
    assert.match(error.detail, /role needs/);
    assert.ok(!inspect(error, { depth: null, showHidden: true }).includes(server.userToken));
    return true;
  });
  await allowGreeter(server);
  // The API server hears of new roles a moment later.
  await until("it may register", () =>
    registry.register(serviceOf("greeter", "a")).then(
      () => true,
      () => false,
    ),
  );
  assert.deepEqual(await found(registry, "greeter"), ["a"]);
  for (const shown of [...lines, inspect(registry, { depth: null, showHidden: true })]) {
    assert.ok(!shown.includes(server.userToken), shown);
  }
});

test("TLS verifies", { skip }, async () => {
  await using server = await startKubernetes();
  await using distrusting = registryOn(server, "a-pod", { tls: {} });
  await assert.rejects(distrusting.getService("x"), { code: 503, message: /tls\.ca/ });
  await using plain = registryOn(server, "a-pod", { addresses: [`http://${server.address}`] });
  await assert.rejects(plain.getService("x"), MicroError);
});
