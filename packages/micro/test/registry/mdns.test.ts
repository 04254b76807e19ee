import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { after, test } from "node:test";
import { decode } from "dns-packet";
import { MicroError } from "../../src/errors.ts";
import { newLogger } from "../../src/logger.ts";
import { isResponse } from "../../src/registry/dns-message.ts";
import { type MdnsRegistryOptions, newMdnsRegistry } from "../../src/registry/mdns.ts";
import type { Interfaces } from "../../src/registry/mdns-socket.ts";
import {
  decodePacket,
  encodeAnnouncement,
  encodeAnswer,
  encodeQuery,
  encodeText,
  instanceRecords,
} from "../../src/registry/mdns-wire.ts";
import type { Registry, Service } from "../../src/registry/registry.ts";

const port = await freePort();
const opened: Registry[] = [];
after(() => Promise.all(opened.map((registry) => registry.close())));

function mdns(options: MdnsRegistryOptions = {}): Registry {
  const registry = newMdnsRegistry({ port, timeoutMs: 10_000, ...options });
  opened.push(registry);
  return registry;
}

function service(fields: Partial<Service> = {}): Service {
  const name = `greeter-${randomUUID().slice(0, 8)}`;
  const node = { id: `${name}-1`, address: "10.0.0.1:8080", metadata: { protocol: "mucp" } };
  return { name, version: "latest", metadata: {}, endpoints: [], nodes: [node], ...fields };
}

test("what one registry registers another one finds, whole", async () => {
  const greeter = service({
    endpoints: [
      {
        name: "Greeter.Hello",
        request: { name: "Request", type: "Request", values: [{ name: "name", type: "string", values: [] }] },
        response: null,
        metadata: { stream: "true" },
      },
    ],
  });
  greeter.nodes.push({ id: "six", address: "[fd00::1]:9", metadata: {} });
  await mdns().register(greeter);
  assert.deepEqual(await mdns().getService(greeter.name), [greeter]);
});

test("services are listed by name, and none twice", async () => {
  const domain = `list${randomUUID().slice(0, 8)}`;
  const [first, second] = [service({ name: "b.two" }), service({ name: "a.one" })];
  const registry = mdns({ domain });
  await registry.register(first);
  await registry.register(second);
  const other = mdns({ domain });
  await other.register({ ...first, nodes: [{ id: "other", address: "10.0.0.2:1", metadata: {} }] });
  const names = (await mdns({ domain }).listServices()).map(({ name }) => name);
  assert.deepEqual(names, ["a.one", "b.two"]);
});

test("registries of another domain see nothing", async () => {
  const greeter = service();
  await mdns().register(greeter);
  assert.deepEqual(await mdns({ domain: "elsewhere", timeoutMs: 200 }).getService(greeter.name), []);
});

test("a name that DNS can't carry is found empty without asking, and refused at register", async () => {
  const name = "x".repeat(64);
  assert.deepEqual(await mdns().getService(name), []);
  await assert.rejects(mdns().register(service({ name })), (error) => {
    assert.ok(MicroError.is(error) && error.code === 400);
    return true;
  });
});

test("an id that DNS can't carry is cut, and deregistering it still works", async () => {
  const name = `very.long.${"n".repeat(60)}`;
  const greeter = service({
    name,
    nodes: [{ id: `${name}-${randomUUID()}`, address: "10.0.0.1:1", metadata: {} }],
  });
  const registry = mdns();
  await registry.register(greeter);
  const [found] = await mdns().getService(name);
  const id = found?.nodes[0]?.id ?? "";
  assert.ok(id !== "" && id.split(".").every((label) => Buffer.byteLength(label) <= 63), id);
  await registry.deregister(greeter);
  assert.deepEqual(await mdns({ timeoutMs: 200 }).getService(name), []);
});

test("watchers see a node come, change and go, each once", async () => {
  const greeter = service();
  const watcher = await mdns().watch({ service: greeter.name });
  const changes = watcher[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value } = await changes.next();
    return [value?.action, value?.service];
  };
  const registry = mdns();
  await registry.register(greeter);
  assert.deepEqual(await next(), ["create", greeter]);
  await registry.register(greeter);
  const changed = { ...greeter, version: "2" };
  await registry.register(changed);
  assert.deepEqual(await next(), ["update", changed]);
  await registry.deregister(changed);
  assert.deepEqual(await next(), ["delete", changed]);
  await registry.register(greeter);
  assert.deepEqual(await next(), ["create", greeter]);
  await registry.close();
  assert.deepEqual(await next(), ["delete", greeter]);
});

test("a changed record is found at once", async () => {
  const greeter = service();
  const registry = mdns();
  await registry.register(greeter);
  const moved = {
    ...greeter,
    nodes: [{ id: `${greeter.name}-1`, address: "10.0.0.9:9", metadata: { a: "b" } }],
  };
  await registry.register(moved);
  assert.deepEqual(await mdns().getService(greeter.name), [moved]);
});

test("an empty look-up is asked again, so that a late comer is found before its time is up", async () => {
  const greeter = service();
  const found = mdns({ timeoutMs: 30_000 }).getService(greeter.name);
  const listener = await groupMember();
  // The question was heard once; the node comes only now.
  await heard(listener, (packet) => packet.questions?.[0]?.name === `${greeter.name}.micro`);
  await mdns().register(greeter);
  assert.deepEqual(await found, [greeter]);
  listener.close();
});

test("a node that was there before is awaited when others answer sooner, unless it said goodbye", async () => {
  const greeter = service();
  const registry = mdns({ collectMs: 20, interfaces: () => ({ lo: loopback() }) });
  await mdns().register(greeter);
  const watcher = await registry.watch();
  // A node that is too busy to answer before it is asked for the third time.
  const slow = service({ name: greeter.name, nodes: [{ id: "slow", address: "10.0.0.2:1", metadata: {} }] });
  const place = { name: `slow.${greeter.name}.micro`, hostname: "slow", host: "10.0.0.2", port: 1 };
  const instance = { ...place, text: encodeText(slow) };
  const listener = await groupMember();
  listener.setMulticastInterface("127.0.0.1");
  let questions = 0;
  listener.on("message", (bytes, from) => {
    const packet = decodePacket(bytes);
    const [question] = packet?.questions ?? [];
    if (
      packet === undefined ||
      isResponse(packet) ||
      question?.name !== `${greeter.name}.micro` ||
      ++questions % 3 > 0
    )
      return;
    listener.send(encodeAnswer(0, question, instanceRecords(instance, greeter.name, "micro")), from.port);
  });
  listener.send(encodeAnnouncement(instance), port, "224.0.0.251");
  await watcher[Symbol.asyncIterator]().next();

  const ids = async (): Promise<string[]> =>
    (await registry.getService(greeter.name)).flatMap(({ nodes }) => nodes.map(({ id }) => id));
  assert.deepEqual(await ids(), [`${greeter.name}-1`, "slow"]);
  assert.deepEqual(await ids(), [`${greeter.name}-1`, "slow"]);
  assert.ok(questions >= 6);
  listener.close();
});

test("queries come from a port of their own, and are answered to it with the question repeated", async () => {
  const greeter = service();
  await mdns().register(greeter);
  const asker = createSocket("udp4").bind(0, "127.0.0.1");
  await once(asker, "listening");
  asker.setMulticastInterface("127.0.0.1");
  asker.send(encodeQuery(99, `${greeter.name}.micro`), port, "224.0.0.251");
  const [bytes, from] = await once(asker, "message");
  const { id, type, flag_aa, questions, answers } = decode(bytes);
  assert.deepEqual([id, type, flag_aa, from.port], [0, "response", true, port]);
  assert.equal(questions?.[0]?.name, `${greeter.name}.micro`);
  assert.deepEqual(
    answers?.map((record) => record.type),
    ["PTR", "SRV", "A", "TXT"],
  );
  asker.close();
});

test("responses are never answered, so that two responders can't keep each other busy", async () => {
  const greeter = service();
  await mdns().register(greeter);
  const asker = createSocket("udp4").bind(0, "127.0.0.1");
  await once(asker, "listening");
  asker.setMulticastInterface("127.0.0.1");
  const seen: number[] = [];
  asker.on("message", (bytes) => seen.push(decode(bytes).id ?? -1));
  const response = encodeQuery(1, `${greeter.name}.micro`);
  response[2] = 0x80;
  asker.send(response, port, "224.0.0.251");
  // Answered with its id, because its unicast bit is set: the answer to the packet after the first one.
  const query = encodeQuery(2, `${greeter.name}.micro`);
  query.writeUInt16BE(0x8001, query.length - 2);
  asker.send(query, port, "224.0.0.251");
  await once(asker, "message");
  assert.deepEqual(seen, [2]);
  asker.close();
});

test("rubbish on the port changes nothing", async () => {
  const greeter = service();
  const registry = mdns();
  await registry.register(greeter);
  const watcher = await registry.watch();
  const vandal = createSocket("udp4").bind(0, "127.0.0.1");
  await once(vandal, "listening");
  vandal.setMulticastInterface("127.0.0.1");
  for (const size of [0, 1, 11, 12, 13, 100, 1400]) {
    await new Promise((resolve) => vandal.send(Buffer.alloc(size, 0xc0), port, "224.0.0.251", resolve));
  }
  assert.deepEqual(await mdns().getService(greeter.name), [greeter]);
  await watcher.close();
  vandal.close();
});

test("with nothing but loopback services find each other", async () => {
  const interfaces = (): Interfaces => ({ lo: networkInterfaces().lo ?? loopback() });
  const greeter = service();
  await mdns({ interfaces }).register(greeter);
  assert.deepEqual(await mdns({ interfaces }).getService(greeter.name), [greeter]);
});

test("interfaces that fail don't hinder those that work", async () => {
  const broken: Interfaces = {
    gone0: [{ ...ipv4("203.0.113.77"), internal: false }],
    gone1: [{ ...ipv6("fe80::1"), internal: false }],
  };
  const interfaces = (): Interfaces => ({ ...broken, ...networkInterfaces() });
  const greeter = service();
  await mdns({ interfaces }).register(greeter);
  assert.deepEqual(await mdns({ interfaces }).getService(greeter.name), [greeter]);
});

test("an interface that comes later is used, one that goes is left, and what is registered is announced again", async () => {
  let available: Interfaces = {};
  const greeter = service();
  const warnings: string[] = [];
  const quiet = { write: (line: string) => void warnings.push(line) };
  const watcher = await mdns().watch({ service: greeter.name });
  const registry = mdns({
    interfaces: () => available,
    rescanMs: 5,
    timeoutMs: 20,
    logger: newLogger(quiet),
  });
  await registry.register(greeter);
  assert.match(warnings.join(), /announced to nobody: there is no network interface/);
  await assert.rejects(registry.getService(greeter.name), (error) => {
    return MicroError.is(error) && error.reason === "connection-failed" && error.code === 503;
  });
  available = { lo: loopback() };
  for await (const { action, service } of watcher) {
    assert.deepEqual([action, service], ["create", greeter]);
    break;
  }
  available = {};
  await assert.rejects(async () => {
    for (;;) await registry.getService("nobody");
  }, /no network interface/);
});

test("a port that can't be had is an error that names it, and look-ups don't need it", async () => {
  const blocker = createSocket("udp4").bind(0, "0.0.0.0");
  const blocker6 = createSocket({ type: "udp6", ipv6Only: true });
  await once(blocker, "listening");
  const taken = blocker.address().port;
  blocker6.bind(taken);
  await Promise.race([once(blocker6, "listening"), once(blocker6, "error").catch(() => {})]);
  const registry = mdns({ port: taken, timeoutMs: 50 });
  await assert.rejects(registry.register(service()), (error) => {
    assert.ok(MicroError.is(error) && error.code === 503);
    assert.match(error.message, new RegExp(`UDP port ${taken}: EADDRINUSE`));
    return true;
  });
  await assert.rejects(registry.watch(), /EADDRINUSE/);
  assert.deepEqual(await registry.getService("nobody"), []);
  blocker.close();
  blocker6.close();
});

test("a look-up ends when it is cancelled, or when the registry is closed", async () => {
  const controller = new AbortController();
  const registry = mdns();
  const cancelled = registry.getService("nobody", { signal: controller.signal, timeoutMs: 60_000 });
  controller.abort();
  await assert.rejects(cancelled, (error) => MicroError.is(error) && error.reason === "cancelled");
  await assert.rejects(registry.getService("nobody", { signal: controller.signal }), /cancelled/);
  const closed = registry.getService("nobody", { timeoutMs: 60_000 });
  await registry.close();
  await assert.rejects(closed, (error) => MicroError.is(error) && error.reason === "closed");
});

test("addresses that can't be carried are refused with the reason", async () => {
  const at = (address: string): Service => service({ nodes: [{ id: "n", address, metadata: {} }] });
  const registry = mdns();
  await assert.rejects(
    registry.register(at("10.0.0.1")),
    /node n at "10.0.0.1": mDNS needs a port; give host:port/,
  );
  await assert.rejects(
    registry.register(at("_INBOX.7")),
    /"_INBOX.7": mDNS .* another registry, such as MICRO_REGISTRY=nats/,
  );
  await assert.rejects(registry.register(at("[fe80::1%lo]:1")), /an address of one link only/);
  await assert.rejects(
    registry.register(at("no-such-host.invalid:1")),
    /host "no-such-host.invalid" has no address/,
  );
  const huge = at("10.0.0.1:1");
  huge.nodes[0]!.metadata.noise = Array.from({ length: 3_000 }, () => randomUUID()).join();
  await assert.rejects(
    registry.register(huge),
    (error) => MicroError.is(error) && error.reason === "too-large",
  );
});

test("a closed registry can be used again", async () => {
  const greeter = service();
  const registry = mdns();
  await registry.register(greeter);
  await registry.close();
  await registry.close();
  await registry.register(greeter);
  assert.deepEqual(await mdns().getService(greeter.name), [greeter]);
});

test("the port of the world, 5353, is shared with whoever uses it already", async () => {
  const greeter = service();
  const domain = `test${randomUUID().slice(0, 8)}`;
  const world = { domain, port: 5353 };
  await mdns(world).register(greeter);
  await mdns(world).register(service());
  assert.deepEqual(await mdns(world).getService(greeter.name), [greeter]);
});

function ipv4(address: string) {
  return { address, netmask: "255.0.0.0", family: "IPv4", mac: "", internal: true, cidr: null } as const;
}

function ipv6(address: string) {
  return {
    address,
    netmask: "ffff::",
    family: "IPv6",
    mac: "",
    internal: true,
    cidr: null,
    scopeid: 0,
  } as const;
}

function loopback() {
  return [ipv4("127.0.0.1")];
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0);
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  return port;
}

/** A socket that hears what is sent to the group, on loopback. */
async function groupMember(): Promise<Socket> {
  const socket = createSocket({ type: "udp4", reuseAddr: true }).bind(port);
  await once(socket, "listening");
  socket.addMembership("224.0.0.251", "127.0.0.1");
  return socket;
}

async function heard(socket: Socket, wanted: (packet: ReturnType<typeof decode>) => boolean): Promise<void> {
  for (;;) {
    const [bytes] = await once(socket, "message");
    if (wanted(decode(bytes))) return;
  }
}
