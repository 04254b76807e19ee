/** An entry that go-micro v2.9.1 wrote (interop/fixtures). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { encode, nodeKey } from "../src/keys.ts";
import { recordOf } from "../src/store.ts";

const entry: { key: string; value: string } = JSON.parse(
  readFileSync(new URL("../../../../interop/fixtures/v2/etcd.json", import.meta.url), "utf8"),
);

test("its key is the one that the record in it gets here", () => {
  const service = recordOf({ key: encode(entry.key), value: encode(entry.value) });
  const [node] = service?.nodes ?? [];
  assert.equal(node?.metadata.registry, "etcd");
  assert.ok(service?.endpoints.some(({ name }) => name === "Greeter.Hello"));
  assert.equal(nodeKey(service?.name ?? "", node.id), entry.key);
});
