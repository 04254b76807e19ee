/** What programs on go-micro v2.9.1, v5.12.0 and v6.10.0 sent, answered and understood by ours. Needs no Go. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { getMetadata, MicroError, newService, type Service } from "ts-micro";
import { decodeEnvelope, encodeEnvelope } from "ts-micro/broker";
import { codecFor, type MessageType } from "ts-micro/codec";
import { type Service as Found, newMdnsRegistry, serviceFromJson, serviceToJson } from "ts-micro/registry";
import { codecs } from "../src/codecs.ts";
import { type Case, cases } from "../src/fixtures/cases.ts";
import { bytesOf, type Exchange, readFixture } from "../src/fixtures/fixtures.ts";
import { type HttpMessage, httpMessages } from "../src/fixtures/http-messages.ts";
import { framesIn, frameTypes, preface } from "../src/fixtures/http2-frames.ts";
import { answerWith, ask } from "../src/fixtures/replay.ts";
import { GreetingSchema } from "../src/gen/greeter/greeter_pb.ts";
import { serveGreeter } from "../src/greeter.ts";
import { until } from "../src/until.ts";

const versions = ["v2", "v5", "v6"];
/** Of what real engines gave out. */
const onEngines = ["v2", "v5"];

/**
 * What v2 does otherwise with mucp: a call that failed is never answered with protobuf (docs/interop.md, N6), and a stream
 * that its own client opens with nothing is refused where bodies have an envelope. Ours answers all of them.
 */
const isUnanswered = (answer: string): boolean => answer === "";
const isRefused = (version: string, name: string, codec: string): boolean =>
  version === "v2" && name === "stream" && codec.endsWith("-rpc");

/** Greetings as protobuf's JSON. */
const greeting: MessageType = {
  encode: (json) => toBinary(GreetingSchema, fromJson(GreetingSchema, json as JsonValue)),
  decode: (bytes) => toJson(GreetingSchema, fromBinary(GreetingSchema, bytes)),
  fromJson: (json) => toJson(GreetingSchema, fromJson(GreetingSchema, json as JsonValue)),
};

async function startGreeter(protocol: string): Promise<Service> {
  const parts = [`--server=${protocol}`, `--client=${protocol}`, "--registry=memory"];
  const argv = [...parts, "--server_address=127.0.0.1:0"];
  const service = newService({ name: "interop.fixtures", argv, env: { MICRO_LOG_LEVEL: "fatal" } });
  serveGreeter(service);
  await service.start();
  return service;
}

describe("mucp", () => {
  let service: Service;
  before(async () => {
    service = await startGreeter("mucp");
  });
  after(() => service.stop());

  const recorded = versions.flatMap((version) =>
    Object.entries(readFixture(version, "mucp")).map(([name, exchanges]) => ({ version, name, exchanges })),
  );
  for (const { version, name, exchanges } of recorded) {
    for (const [codec, contentType] of codecs.mucp) {
      const { request, answer } = exchanges[codec] as Exchange;
      const meaning = ({ header, body }: HttpMessage) => {
        const { value, error } = codecFor(contentType).decode(body, "response", greeting);
        return { error: header["micro-error"], value, inBody: error };
      };

      if (isUnanswered(answer) || isRefused(version, name, codec)) {
        test(`a Go client's request is answered, other than by Go: ${name}, ${codec}, ${version}`, async () => {
          const answered = await ask(service.server.address, bytesOf(request), (bytes) => {
            return httpMessages(bytes).length > 0;
          });
          const [{ error, value } = { error: undefined, value: undefined }] =
            httpMessages(answered).map(meaning);
          if (name === "stream") assert.deepEqual([error, value], [undefined, { name: "Hello a" }]);
          else assert.ok(error);
        });
        continue;
      }

      test(`a Go client's request gets the answer that Go gave: ${name}, ${codec}, ${version}`, async () => {
        const expected = httpMessages(bytesOf(answer)).map(meaning);
        const answered = await ask(service.server.address, bytesOf(request), (bytes) => {
          return httpMessages(bytes).length >= expected.length;
        });
        assert.deepEqual(httpMessages(answered).slice(0, expected.length).map(meaning), expected);
      });

      test(`a Go server's answer is understood: ${name}, ${codec}, ${version}`, async () => {
        await using server = await answerWith(bytesOf(answer));
        await comesTo(service, cases[name] as Case, server.address, contentType);
      });
    }
  }
});

describe("gRPC", () => {
  let service: Service;
  before(async () => {
    service = await startGreeter("grpc");
  });
  after(() => service.stop());

  const recorded = versions.flatMap((version) =>
    Object.entries(readFixture(version, "grpc")).map(([name, exchange]) => ({ version, name, ...exchange })),
  );
  for (const { version, name, request, answer } of recorded) {
    const bodies = (bytes: Buffer) =>
      framesIn(bytes).flatMap(({ type, payload }) => (type === frameTypes.data ? [payload] : []));

    test(`a Go client's request gets the answer that Go gave: ${name}, ${version}`, async () => {
      // It answers pings of a Go server's, and Node's HTTP/2 ends a connection for an answer to none.
      const frames = framesIn(bytesOf(request)).filter(({ type }) => type !== frameTypes.ping);
      const replayed = Buffer.concat([preface, ...frames.map(({ bytes }) => bytes)]);
      const answered = await ask(service.server.address, replayed, (bytes) =>
        framesIn(bytes).some(({ type, endStream }) => type <= frameTypes.headers && endStream),
      );
      assert.deepEqual(Buffer.concat(bodies(answered)), Buffer.concat(bodies(bytesOf(answer))));
    });

    test(`a Go server's answer is understood: ${name}, ${version}`, async () => {
      const [settings, ...rest] = framesIn(bytesOf(answer)).map(({ bytes }) => bytes);
      const isAsked = (bytes: Buffer) => bodies(bytes).length > 0;
      await using server = await answerWith(Buffer.concat(rest), isAsked, settings);
      await comesTo(service, cases[name] as Case, server.address, "application/grpc+proto");
    });
  }
});

/** A call of ours to what answers with recorded bytes comes to what the case says. */
async function comesTo(
  { client }: Service,
  { call, outcome }: Case,
  address: string,
  contentType: string,
): Promise<void> {
  const request = {
    service: "interop.fixtures",
    endpoint: call.endpoint,
    addresses: [address],
    contentType,
    requestType: greeting,
    responseType: greeting,
    timeoutMs: 20_000,
    retries: 0,
  };
  const requests = call.requests ?? [{}];
  const answers: unknown[] = [];
  try {
    if (call.stream) {
      await using stream = await client.stream(request);
      for (const body of requests) await stream.send(body);
      for await (const answer of stream) if (answers.push(answer) === call.expect) break;
    } else answers.push(await client.call({ ...request, body: requests[0] }));
  } catch (thrown) {
    assert.ok(MicroError.is(thrown), String(thrown));
    const { id, code, detail, status } = thrown;
    if (outcome.error === undefined) assert.equal(detail, outcome.text);
    else assert.deepEqual({ id, code, detail, status }, outcome.error);
    return;
  }
  assert.deepEqual(answers, outcome.answers);
}

for (const version of versions)
  describe(`mDNS, ${version}`, () => {
    const mdns = readFixture(version, "mdns");
    let port: number;
    let go: Socket;
    before(async () => {
      // Any port that is free for UDP: nobody else shall hear what was recorded.
      const free = createSocket("udp4").bind(0);
      await once(free, "listening");
      ({ port } = free.address());
      free.close();
      go = createSocket({ type: "udp4", reuseAddr: true }).bind(port);
      await once(go, "listening");
      go.addMembership("224.0.0.251");
    });
    after(() => go.close());
    const say = (packet: string) => go.send(bytesOf(packet), port, "224.0.0.251");
    const hello = (services: readonly Found[]) =>
      services.flatMap(({ endpoints }) => endpoints).find(({ name }) => name === "Greeter.Hello");

    test("a Go node is told of when it comes and when it goes", async () => {
      await using registry = newMdnsRegistry({ port });
      const watcher = await registry.watch({ service: mdns.service });
      say(mdns.announcement);
      const actions: string[] = [];
      for await (const { action, service } of watcher) {
        actions.push(action);
        assert.equal(service.name, mdns.service);
        if (action === "delete") break;
        assert.equal(service.nodes[0]?.metadata.protocol, version === "v2" ? "grpc" : "mucp");
        assert.equal(hello([service])?.request?.type, "Greeting");
        say(mdns.goodbye);
      }
      assert.deepEqual(actions, ["create", "delete"]);
    });

    test("a Go node's answer is understood", async () => {
      await using registry = newMdnsRegistry({ port, timeoutMs: 20_000 });
      go.on("message", (packet, from) => {
        if (packet.includes(mdns.service) && from.port !== port)
          go.send(bytesOf(mdns.answer), from.port, from.address);
      });
      const services = await registry.getService(mdns.service);
      go.removeAllListeners("message");
      assert.equal(services[0]?.version, "latest");
      assert.match(services[0]?.nodes[0]?.address ?? "", /^127\.0\.0\.1:\d+$/);
      assert.equal(hello(services)?.response?.type, "Greeting");
    });

    test("a Go client's question is answered", async () => {
      await using registry = newMdnsRegistry({ port });
      const node = { id: `${mdns.service}-1`, address: "127.0.0.1:9", metadata: { protocol: "mucp" } };
      const service = { name: mdns.service, version: "1.0.0", metadata: {}, endpoints: [], nodes: [node] };
      await registry.register(service, { ttlMs: 60_000 });
      const asker = createSocket("udp4");
      const answered = once(asker, "message");
      asker.send(bytesOf(mdns.query), port, "224.0.0.251");
      const [answer] = (await answered) as [Buffer];
      asker.close();
      // As go-micro's client wants it: the question again, and in one packet all that is known of the node.
      const [asked, given] = [bytesOf(mdns.query), bytesOf(mdns.answer)];
      assert.deepEqual(answer.subarray(12, asked.length), asked.subarray(12));
      assert.deepEqual(answer.subarray(2, 12), given.subarray(2, 12));
    });
  });

for (const version of versions)
  test(`an event that Go posted arrives, and is answered as Go does, ${version}`, async () => {
    const event = readFixture(version, "event");
    const argv = ["--registry=memory", "--server_address=127.0.0.1:0"];
    await using service = newService({ name: "interop.fixtures", argv, env: { MICRO_LOG_LEVEL: "error" } });
    const { groups } = /id=(?<id>(?<topic>interop-[0-9a-f]{8})\S+)/.exec(event.request) as RegExpExecArray;
    const told: unknown[] = [];
    service.subscribe(groups?.topic as string, (body, { metadata }) => {
      told.push([body, getMetadata(metadata, "X-Color")]);
    });
    await service.start();
    const [subscribers] = await service.registry.getService("micro.http.broker");
    const { id = "", address = "" } = subscribers?.nodes[0] ?? {};
    const post = bytesOf(event.request.replace(groups?.id as string, id));
    const answered = await ask(address, post, (bytes) => httpMessages(bytes).length > 0);
    await until(() => told.length > 0);
    assert.deepEqual(told, [[{ name: "John" }, "red"]]);
    const [expected, answer] = [bytesOf(event.answer), answered].map((bytes) => httpMessages(bytes)[0]?.body);
    assert.deepEqual(answer, expected);
    assert.match(answered.toString(), /^HTTP\/1\.1 200 OK\r\n/);
  });

for (const version of onEngines) {
  for (const [recorded, text] of Object.entries(readFixture(version, "nats"))) {
    test(`a message on NATS, read and written again, is the same: ${recorded}, ${version}`, () => {
      const byDefault = version === "v2" ? "application/grpc+proto" : "application/json";
      const contentType = recorded === "default" ? byDefault : recorded;
      const message = decodeEnvelope(bytesOf(text));
      assert.equal(getMetadata(message.header, "Content-Type"), contentType);
      const { value } = codecFor(contentType).decode(message.body, "event", greeting);
      const { name } = value as { name: string };
      assert.deepEqual([name, getMetadata(message.header, "X-Color")], ["John", "red"]);
      const topic = getMetadata(message.header, "Micro-Topic") ?? "";
      const again = encodeEnvelope(message, topic).toString();
      // To the byte with v2.9.1. v5 writes `Micro-ID`, which is one name with `Micro-Id`.
      if (version === "v2") assert.equal(again, text);
      else assert.deepEqual(JSON.parse(again.toLowerCase()), JSON.parse(text.toLowerCase()));
    });
  }

  test(`an entry of etcd, read and written again, is the same: ${version}`, () => {
    const { key, value } = readFixture(version, "etcd");
    const service = serviceFromJson(value);
    assert.equal(key, `/micro/registry/${service.name}/${service.nodes[0]?.id}`);
    assert.equal(service.nodes[0]?.metadata.registry, "etcd");
    const again = serviceToJson(service);
    assert.deepEqual(JSON.parse(again), JSON.parse(value));
    // To the byte with v2.9.1, whose order of members ours is.
    if (version === "v2") assert.equal(again, value);
  });
}
