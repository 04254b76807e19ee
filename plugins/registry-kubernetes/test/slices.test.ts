/** Kubernetes Services, which register nowhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kubernetes, startKubernetes } from "@ts-micro/conformance";
import { record, registryOn, serviceOf, startPod, until } from "./bench.ts";

const { skip } = kubernetes();
const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

test("endpoints that are ready are nodes, unless they stand on their pod", { skip }, async () => {
  await using server = await startKubernetes();
  await startPod(server, "a-pod");
  await using registry = registryOn(server, "a-pod");
  const watched = record(await registry.watch({ service: "billing" }));
  await server.ask("POST", slices, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "billing-1", labels: { "kubernetes.io/service-name": "billing" } },
    addressType: "IPv4",
    endpoints: [
      { addresses: ["10.1.0.1"], conditions: { ready: true } },
      { addresses: ["10.1.0.2"], conditions: { ready: false } },
      { addresses: ["10.1.0.3"] },
    ],
    ports: [{ name: "api", port: 8080, appProtocol: "kubernetes.io/h2c" }],
  });
  await until("two are told", () => watched.changes.length > 1);
  const node = (address: string) => ({ id: address, address, metadata: { protocol: "grpc" } });
  const external = {
    ...{ name: "billing", version: "", metadata: {}, endpoints: [] },
    nodes: [node("10.1.0.1:8080"), node("10.1.0.3:8080")],
  };
  assert.deepEqual(await registry.getService("billing"), [external]);
  const listed = (await registry.listServices()).map(({ name }) => name);
  // The API server makes a Service of its own, when it finds the time.
  assert.deepEqual(
    listed.filter((name) => name !== "kubernetes"),
    ["billing"],
  );

  const [own] = serviceOf("billing", "own").nodes;
  assert.ok(own);
  const registered = { ...serviceOf("billing"), nodes: [{ ...own, address: "10.1.0.1:8080" }] };
  await registry.register(registered);
  await until("that is told", () => watched.changes.length > 3);
  const rest = { ...external, nodes: [node("10.1.0.3:8080")] };
  assert.deepEqual(await registry.getService("billing"), [registered, rest]);

  await server.ask("DELETE", `${slices}/billing-1`);
  await until("the end is told", () => watched.changes.length > 4);
  assert.deepEqual(watched.changes, [
    "create 10.1.0.1:8080",
    "create 10.1.0.3:8080",
    "create own",
    "delete 10.1.0.1:8080",
    "delete 10.1.0.3:8080",
  ]);
});
