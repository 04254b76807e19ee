/** What go-micro's plugin v2.9.1 writes and reads (go-plugins `registry/kubernetes`), looked at without our code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kubernetes, startKubernetes } from "@ts-micro/conformance";
import { found, pods, record, registryOn, serviceOf, setPhase, startPod, until } from "./bench.ts";

const { skip } = kubernetes();
const name = "go.micro.srv.greeter";
const value = `{"name":"${name}","version":"latest","metadata":null,"endpoints":[{"name":"Say.Hello","request":{"name":"Request","type":"Request","values":[{"name":"name","type":"string","values":null}]},"response":{"name":"Response","type":"Response","values":[{"name":"msg","type":"string","values":null}]},"metadata":{}}],"nodes":[{"id":"${name}-5f1e6d0c","address":"192.168.1.10:38201","metadata":{"broker":"http","protocol":"grpc","registry":"kubernetes","server":"grpc","transport":"grpc"}}]}`;

interface Metadata {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

test("labels and annotations are go-micro's to the byte", { skip }, async () => {
  await using server = await startKubernetes();
  for (const pod of ["go-pod", "our-pod"]) await startPod(server, pod);
  const metadataOf = async (pod: string): Promise<Metadata> => {
    const { metadata } = (await server.ask("GET", `${pods}/${pod}`)) as { metadata: Metadata };
    return {
      ...(metadata.labels && { labels: metadata.labels }),
      ...(metadata.annotations && { annotations: metadata.annotations }),
    };
  };
  const written: Metadata = {
    labels: { [`micro.mu/selector-${name}`]: "service", "micro.mu/type": "service" },
    annotations: { [`micro.mu/service-${name}`]: value },
  };
  await server.ask("PATCH", `${pods}/go-pod`, { metadata: written });
  await using registry = registryOn(server, "our-pod");
  const [service] = await registry.getService(name);
  assert.ok(service);
  await registry.register(service);
  assert.deepEqual(await metadataOf("our-pod"), written);
  await registry.deregister(service);
  assert.deepEqual(await metadataOf("our-pod"), { labels: { "micro.mu/type": "service" } });
});

test("a second version on the pod doesn't write over the first, which go-micro reads", { skip }, async () => {
  await using server = await startKubernetes();
  await startPod(server, "a-pod");
  await using registry = registryOn(server, "a-pod");
  const [first, second] = [serviceOf("topics", "a"), { ...serviceOf("topics", "b"), version: "2.0.0" }];
  await registry.register(first);
  await registry.register(second);
  assert.deepEqual(await registry.getService("topics"), [first, second]);
  const { metadata } = (await server.ask("GET", `${pods}/a-pod`)) as { metadata: Metadata };
  assert.equal(JSON.parse(metadata.annotations?.["micro.mu/service-topics"] ?? "").version, "1.0.0");
  await registry.deregister(first);
  assert.deepEqual(await registry.getService("topics"), [second]);
});

test("a pod that doesn't run takes its nodes away, and brings them back", { skip }, async () => {
  await using server = await startKubernetes();
  await startPod(server, "a-pod");
  await using registry = registryOn(server, "a-pod");
  await registry.register(serviceOf("phases", "a"));
  const watched = record(await registry.watch({ service: "phases" }));
  await setPhase(server, "a-pod", "Unknown");
  await until("it is told", () => watched.changes.length > 0);
  assert.deepEqual(await found(registry, "phases"), []);
  await setPhase(server, "a-pod", "Running");
  await until("it is told again", () => watched.changes.length > 1);
  await server.ask("DELETE", `${pods}/a-pod?gracePeriodSeconds=0`);
  await until("its end is told", () => watched.changes.length > 2);
  assert.deepEqual(watched.changes, ["delete a", "create a", "delete a"]);
});

test("names that differ in what no label may hold stay apart; those that make none are refused", {
  skip,
}, async () => {
  await using server = await startKubernetes();
  for (const pod of ["a-pod", "b-pod"]) await startPod(server, pod);
  await using first = registryOn(server, "a-pod");
  await using second = registryOn(server, "b-pod");
  const watched = record(await first.watch({ service: "team/greeter" }));
  await second.register(serviceOf("team_greeter", "b"));
  await first.register(serviceOf("team/greeter", "a"));
  assert.deepEqual(await first.getService("team/greeter"), [serviceOf("team/greeter", "a")]);
  await until("it is told", () => watched.changes.length > 0);
  assert.deepEqual(watched.changes, ["create a"]);
  for (const bad of ["x".repeat(55), "greeter/"]) {
    await assert.rejects(first.register(serviceOf(bad, "a")), { code: 400, message: /makes no label/ });
  }
});

test("a pod that isn't there, or isn't named, is said", { skip }, async () => {
  await using server = await startKubernetes();
  await using lost = registryOn(server, "no-such-pod");
  await assert.rejects(lost.register(serviceOf("lost", "a")), /pods "no-such-pod" not found/);
  await using unnamed = registryOn(server, "");
  await assert.rejects(unnamed.register(serviceOf("lost", "a")), { code: 400, message: /--kubernetes_pod/ });
});
