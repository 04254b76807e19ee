/** What Consul gave out of services on go-micro v2.9.1 and v5.12.0 (interop/fixtures). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { type HealthEntry, recordsOf, registrationOf } from "../src/record.ts";

for (const version of ["v2", "v5"]) {
  const file = new URL(`../../../../interop/fixtures/${version}/consul.json`, import.meta.url);
  const [entry]: [Required<HealthEntry>] = JSON.parse(readFileSync(file, "utf8"));
  const { ID, Service: name = "", Address, Port, Tags } = entry.Service;

  test(`a node of go-micro's, read and written again, is registered with the same: ${version}`, () => {
    const [service, ...others] = recordsOf([entry], name);
    const [node] = service?.nodes ?? [];
    assert.ok(service && node && others.length === 0);
    assert.equal(service.version, "latest");
    assert.equal(node.address, `${Address}:${Port}`);
    assert.equal(node.metadata.registry, "consul");
    assert.equal(node.metadata.protocol, version === "v2" ? "grpc" : "mucp");
    const hello = service.endpoints.find((endpoint) => endpoint.name === "Greeter.Hello");
    assert.ok(hello?.request?.values.some((field) => field.name === "full_name"));

    const written = registrationOf(service, node, 0) as { ID: string; Name: string; Tags: string[] };
    assert.deepEqual([written.ID, written.Name], [ID, name]);
    assert.deepEqual(meanings(written.Tags), meanings(Tags ?? []));
  });

  test(`a node whose check fails isn't called: ${version}`, () => {
    assert.deepEqual(recordsOf([{ ...entry, Checks: [{ Status: "critical" }] }], name), []);
  });
}

/** What tags stand for: their order is left to chance in Go, and that of members differs between its versions. */
function meanings(tags: readonly string[]): Set<string> {
  const sorted = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(sorted);
    return Object.fromEntries(
      Object.entries(value)
        .sort()
        .map(([name, each]) => [name, sorted(each)]),
    );
  };
  return new Set(
    tags.map((tag) => {
      const text = inflateSync(Buffer.from(tag.slice(2), "hex")).toString();
      return tag.slice(0, 2) + (/^[[{]/.test(text) ? JSON.stringify(sorted(JSON.parse(text))) : text);
    }),
  );
}
