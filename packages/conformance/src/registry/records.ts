import assert from "node:assert/strict";
import { MicroError } from "ts-micro";
import type { Service } from "ts-micro/registry";
import { expected, type RegistryBench, sorted, summary } from "./bench.ts";

export function recordTests(bench: RegistryBench): void {
  const { supports } = bench;

  bench.test("a registered service is found by another registry, with everything it has", async (tools) => {
    const greeter = tools.service(["a", "b"], { metadata: { team: "hello" } });
    await tools.create().register(greeter);
    const found = await tools.finds(greeter.name, (services) => summary(services) === "1.0.0 a,b");
    assert.deepEqual(sorted(found), expected(supports, greeter));
  });

  bench.test("texts outside ASCII, markup and odd keys come back as they were", async (tools) => {
    const metadata = {
      ключ: "значение",
      "<a&b>": '\u2028 "quoted" \\',
      "": "empty key",
      __proto: "x",
      emoji: "😀",
    };
    const greeter = tools.service(["a"]);
    for (const node of greeter.nodes) node.metadata = metadata;
    await tools.create().register(greeter);
    const found = await tools.finds(greeter.name, (services) => services.length > 0);
    assert.deepEqual(found[0]?.nodes[0]?.metadata, metadata);
  });

  bench.test("an unknown service is found empty, without an error", async ({ create, service }) => {
    assert.deepEqual(await create().getService(service(["a"]).name), []);
  });

  bench.test("each version is a record of its own, with its nodes", async ({ create, service, finds }) => {
    const one = service(["a"]);
    const two = { ...service(["b", "c"]), name: one.name, version: "2.0.0" };
    two.nodes = two.nodes.map((node, index) => ({ ...node, id: `${one.name}-${"bc"[index]}` }));
    await create().register(one);
    await create().register(two);
    const found = await finds(one.name, (services) => summary(services) === "1.0.0 a; 2.0.0 b,c");
    assert.deepEqual(sorted(found), expected(supports, one, two));
    await create().deregister(two);
  });

  bench.test("registering again replaces what changed and doubles nothing", async (tools) => {
    const { create, service, finds } = tools;
    const registry = create();
    const greeter = service(["a", "b"]);
    await registry.register(greeter);
    await registry.register(greeter);
    await finds(greeter.name, (services) => summary(services) === "1.0.0 a,b");
    const [first, second] = greeter.nodes;
    assert.ok(first && second);
    const moved = { ...first, address: "10.9.9.9:9999", metadata: { protocol: "grpc" } };
    await registry.register({ ...greeter, nodes: [moved] });
    const found = await finds(greeter.name, (services) =>
      services.some(({ nodes }) => nodes.some(({ address }) => address === moved.address)),
    );
    assert.deepEqual(sorted(found), expected(supports, { ...greeter, nodes: [moved, second] }));
  });

  bench.test("a node that is registered with another version leaves the one before", async (tools) => {
    const { create, service, finds } = tools;
    const registry = create();
    const greeter = service(["a"]);
    await registry.register(greeter);
    await finds(greeter.name, (services) => summary(services) === "1.0.0 a");
    await registry.register({ ...greeter, version: "2.0.0" });
    await finds(greeter.name, (services) => summary(services) === "2.0.0 a");
  });

  bench.test(
    "deregistering takes these nodes away and no others; unknown ones are no error",
    async (tools) => {
      const { create, service, finds } = tools;
      const registry = create();
      const greeter = service(["a", "b"]);
      await registry.register(greeter);
      await finds(greeter.name, (services) => summary(services) === "1.0.0 a,b");
      // What Go sends: an id and an address.
      const nodes = greeter.nodes.slice(0, 1).map((node) => ({ ...node, metadata: {} }));
      await registry.deregister({ ...greeter, endpoints: [], nodes });
      await registry.deregister({ ...greeter, endpoints: [], nodes });
      await finds(greeter.name, (services) => summary(services) === "1.0.0 b");
      await registry.deregister(greeter);
      await finds(greeter.name, (services) => services.length === 0);
      await registry.deregister(service(["never"]));
    },
  );

  bench.test("all services are listed, sorted by name", async ({ create, service }) => {
    const made = [service(["a"]), service(["a"])].sort((one, other) => (one.name < other.name ? -1 : 1));
    const names = made.map(({ name }) => name);
    const [first, second] = made as [Service, Service];
    const registry = create();
    await registry.register({ ...second, version: "2.0.0" });
    await registry.register(first);
    for (;;) {
      const listed = await create().listServices();
      const ours = listed.filter(({ name }) => names.includes(name));
      if (ours.length < 2) continue;
      assert.deepEqual(
        ours.map(({ name }) => name),
        names,
      );
      const all = listed.map(({ name }) => name);
      assert.deepEqual(all, [...all].sort());
      if (supports.listsVersions) {
        assert.equal(ours.find(({ name }) => name === second.name)?.version, "2.0.0");
      }
      return;
    }
  });

  bench.test("many registrations at once are all found", async ({ create, service, finds }) => {
    const ids = Array.from({ length: 20 }, (_, index) => String(index).padStart(2, "0"));
    const greeter = service(ids);
    const registry = create();
    await Promise.all(greeter.nodes.map((node) => registry.register({ ...greeter, nodes: [node] })));
    await finds(greeter.name, (services) => summary(services) === `1.0.0 ${ids.join()}`);
  });

  bench.test("what is handed in or out is nobody else's", async ({ create, service, finds }) => {
    const registry = create();
    const greeter = service(["a"]);
    const handedIn = structuredClone(greeter);
    await registry.register(handedIn);
    for (const node of handedIn.nodes) node.metadata.changed = "later";
    const [found] = await registry.getService(greeter.name);
    for (const node of found?.nodes ?? []) node.metadata.changed = "later";
    const again = await finds(greeter.name, (services) => services.length > 0);
    assert.deepEqual(again[0]?.nodes, greeter.nodes);
  });

  bench.test("a record that lacks something is refused by name", async ({ create, service }) => {
    const registry = create();
    const greeter = service(["a"]);
    const lacking = [
      { ...greeter, name: "" },
      { ...greeter, version: "" },
      { ...greeter, nodes: [] },
      { ...greeter, nodes: greeter.nodes.map((node) => ({ ...node, id: "" })) },
      { ...greeter, nodes: greeter.nodes.map((node) => ({ ...node, address: "" })) },
    ];
    for (const record of lacking) {
      await assert.rejects(
        async () => registry.register(record),
        (error) => MicroError.is(error) && error.code === 400 && error.detail !== "",
      );
    }
    assert.deepEqual(await registry.getService(greeter.name), []);
  });

  if (supports.survivesClose) {
    bench.test("nodes stay when the registry that registered them is closed", async (tools) => {
      const greeter = tools.service(["a"]);
      const registry = tools.create();
      await registry.register(greeter);
      await registry.close();
      await registry.close();
      await tools.finds(greeter.name, (services) => summary(services) === "1.0.0 a");
    });
  }
}
