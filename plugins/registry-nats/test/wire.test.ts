/** What is on the wire, as go-micro v2's plugin and v6 write it and read it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { nats, type ServerProcess, startNats } from "@ts-micro/conformance";
import { newRegistry } from "@ts-micro/registry-nats";
import { MicroError, newLogger } from "ts-micro";
import { greeter, record, until } from "./greeter.ts";

const logger = newLogger({ level: "fatal" });

describe("on the wire", { skip: nats().skip, timeout: 60_000 }, () => {
  let server: ServerProcess;
  let other: NatsConnection;
  before(async () => {
    server = await startNats();
    other = await connect({ servers: server.address });
  });
  after(async () => {
    await other?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const json = (name: string, id: string): string =>
    `{"name":"${name}","version":"1","metadata":null,"endpoints":null,"nodes":[{"id":"${name}-${id}","address":"10.0.0.1:8000","metadata":{}}]}`;

  test("changes are announced for v2 and for v6, and queries of both are answered with a service", async () => {
    await using registry = newRegistry({ addresses: [server.address], logger });
    const heard: string[] = [];
    const listener = other.subscribe("micro.>", {
      callback: (_, { subject, data, reply }) => {
        if (subject.endsWith(".watch")) heard.push(`${subject} ${Buffer.from(data)} ${reply ?? ""}`.trim());
      },
    });
    await other.flush();
    await registry.register(greeter("wire", "a"));
    for (const query of ["micro.nats.query", "micro.registry.nats.query"]) {
      const get = `{"Action":"get","Service":{"name":"wire","version":"","metadata":null,"endpoints":null,"nodes":null}}`;
      for (const text of [get, '{"Service":null,"Action":"list"}']) {
        const answer = await other.request(query, text, { timeout: 5_000 });
        assert.equal(Buffer.from(answer.data).toString(), json("wire", "a"));
      }
    }
    await registry.deregister(greeter("wire", "a"));
    await other.flush();
    listener.unsubscribe();
    const lines = ["create", "delete"].flatMap((action) =>
      ["micro.nats.watch", "micro.registry.nats.watch"].map(
        (subject) => `${subject} {"Action":"${action}","Service":${json("wire", "a")}}`,
      ),
    );
    assert.deepEqual(heard, lines);
  });

  test("owners of either version are found, and their announcements are told once", async () => {
    await using registry = newRegistry({ addresses: [server.address], logger });
    const asked: string[] = [];
    for (const [subject, id] of [
      ["micro.nats.query", "v6"],
      ["micro.registry.nats.query", "v2"],
    ] as const) {
      other.subscribe(subject, {
        callback: (_, message) => {
          asked.push(Buffer.from(message.data).toString());
          message.respond("no JSON");
          message.respond(json("both", id));
        },
      });
    }
    await other.flush();
    const found = await registry.getService("both");
    assert.deepEqual(
      found.map(({ nodes }) => nodes.map(({ id }) => id)),
      [["both-v2", "both-v6"]],
    );
    const get =
      '{"Action":"get","Service":{"name":"both","version":"","metadata":null,"endpoints":null,"nodes":null}}';
    assert.deepEqual(asked, [get, get]);
    const told = record(await registry.watch({ service: "both" }));
    for (const subject of ["micro.nats.watch", "micro.registry.nats.watch"]) {
      other.publish(subject, "no JSON");
      other.publish(subject, `{"Service":${json("both", "v2")},"Action":"create"}`);
      other.publish(subject, `{"Service":${json("both", "c")},"Action":"create"}`);
      other.publish(subject, `{"Service":${json("both", "v6")},"Action":"delete"}`);
    }
    await other.flush();
    await until(() => told.length === 2);
    await registry.register(greeter("both", "last"));
    await until(() => told.length === 3);
    assert.deepEqual(told, ["create c", "delete v6", "create last"]);
  });

  test("one version alone is an option; what makes no sense is refused by name", async () => {
    await using registry = newRegistry({ addresses: [server.address], prefixes: ["mine"], logger });
    await registry.register(greeter("alone", "a"));
    await using others = newRegistry({ addresses: [server.address], logger });
    assert.deepEqual(await others.getService("alone"), []);
    await using same = newRegistry({ addresses: [server.address], prefixes: ["mine"], logger });
    assert.equal((await same.getService("alone")).length, 1);
    for (const [options, text] of [
      [{ prefixes: [] }, /prefixes are empty; give subjects such as micro\.nats/],
      [{ prefixes: ["a b"] }, /prefixes have "a b"/],
      [{ answerMs: 0 }, /answerMs must be milliseconds from 1, is 0/],
    ] as const) {
      assert.throws(
        () => newRegistry(options),
        (thrown: unknown) => MicroError.is(thrown) && thrown.code === 400 && text.test(thrown.detail),
      );
    }
  });
});
