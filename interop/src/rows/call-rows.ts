/** The tables about calls: between services of ours and of go-micro, over one protocol, in each of its codecs. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Service } from "ts-micro";
import { type CodecName, codecs, type Protocol } from "../codecs.ts";
import { failsWith } from "../fails-with.ts";
import type { GoClient } from "../go-client.ts";
import type { GoMicro } from "../go-micro.ts";
import { newName } from "../new-name.ts";
import type { Running } from "../program.ts";
import { callsByOurs, plainCallsByOurs, type SeenByOurs, seenByOurs } from "./calls-by-ours.ts";
import { callsFromGo, plainCallsFromGo, type SeenByGo } from "./calls-from-go.ts";
import { goCaller, goGreeter, ourCaller, ourGreeter } from "./greeters.ts";
import { type Deviations, forEachRow, type Rows } from "./rows.ts";

/** What a Go service and a Go client do otherwise than one should expect, by codec. */
export interface CallDeviations {
  service(codec: CodecName): Deviations<SeenByOurs>;
  client(codec: CodecName): Deviations<SeenByGo>;
}

export function callRows(go: GoMicro, protocol: Protocol, deviations: CallDeviations): void {
  describe("our client and a Go service", { skip: go.program("server").skip }, () => {
    const [name, secureName] = [newName(), newName()];
    let services: Running[];
    let caller: Service;
    let secureCaller: Service;
    before(async () => {
      services = await Promise.all([
        goGreeter(go, protocol, name),
        goGreeter(go, protocol, secureName, { secure: true }),
      ]);
      caller = await ourCaller(protocol);
      secureCaller = await ourCaller(protocol, { secure: true });
    });
    after(async () => {
      await Promise.all([caller.stop(), secureCaller.stop()]);
      for (const service of services) await service[Symbol.asyncDispose]();
    });

    for (const [codec, contentType] of codecs[protocol]) {
      const column = `ts-micro → Go, ${codec}`;
      forEachRow(rowsByOurs(protocol, codec), deviations.service(codec), column, (title, run) =>
        test(title, () => run(seenByOurs(caller, name, { contentType }))),
      );
      test(`TLS: ${column}`, async () => {
        const { greeter } = seenByOurs(secureCaller, secureName, { contentType });
        assert.equal((await greeter.hello({ name: "John" })).name, "Hello John");
        const [deviating] = deviations.service(codec)["error of a handler"] ?? [];
        if (deviating === undefined) await failsWith(() => greeter.fail({}), { code: 404 });
      });
    }
  });

  describe("a Go client and our service", { skip: go.program("client").skip }, () => {
    const [name, secureName] = [newName(), newName()];
    let services: Service[];
    let caller: GoClient;
    let secureCaller: GoClient;
    before(async () => {
      services = await Promise.all([
        ourGreeter(protocol, name),
        ourGreeter(protocol, secureName, { secure: true }),
      ]);
      [caller, secureCaller] = await Promise.all([
        goCaller(go, protocol),
        goCaller(go, protocol, { secure: true }),
      ]);
    });
    after(async () => {
      for (const each of [caller, secureCaller]) await each[Symbol.asyncDispose]();
      await Promise.all(services.map((service) => service.stop()));
    });

    for (const [codec, contentType] of codecs[protocol]) {
      const column = `Go → ts-micro, ${codec}`;
      const seen = (client: GoClient, service: string): SeenByGo => ({
        name: service,
        call: (endpoint, more) => client.call({ service, endpoint, contentType, ...more }),
      });
      forEachRow(rowsFromGo(protocol, codec), deviations.client(codec), column, (title, run) =>
        test(title, () => run(seen(caller, name))),
      );
      test(`TLS: ${column}`, async () => {
        const { call } = seen(secureCaller, secureName);
        assert.deepEqual((await call("Greeter.Hello", { requests: [{ name: "John" }] })).answers, [
          { name: "Hello John" },
        ]);
      });
    }
  });
}

/** The rows of a client of ours. */
export function rowsByOurs(protocol: Protocol, codec: CodecName): Rows<SeenByOurs> {
  const plain = codec.toLowerCase().startsWith("json") ? plainCallsByOurs : {};
  return {
    ...callsByOurs,
    ...plain,
    async "unknown endpoint and method"({ caller, name, options }) {
      const call = (endpoint: string) => () => caller.client.call({ ...options, service: name, endpoint });
      for (const [endpoint, expected] of Object.entries(unknown[protocol])) {
        await failsWith(call(endpoint), expected);
      }
    },
  };
}

function rowsFromGo(protocol: Protocol, codec: CodecName): Rows<SeenByGo> {
  const plain = codec.toLowerCase().startsWith("json") ? plainCallsFromGo : {};
  return {
    ...callsFromGo,
    ...plain,
    async "unknown endpoint and method"({ call }) {
      for (const [endpoint, expected] of Object.entries(unknown[protocol])) {
        const { error, text } = await call(endpoint);
        if (protocol === "mucp") assert.equal(text, expected.detail);
        else assert.deepEqual(error, { id: "go.micro.client", ...expected, status: "Not Implemented" });
      }
    },
  };
}

/** Endpoints that nobody has, and their errors. Over mucp go-micro has no `errors.Error` for them, but a text alone. */
const unknown = {
  mucp: {
    "Nope.Hello": { id: "", code: 0, detail: "rpc: can't find service Nope" },
    "Greeter.Nope": { id: "", code: 0, detail: "rpc: can't find method Nope" },
  },
  grpc: {
    "Nope.Hello": { code: 501, detail: "unknown service Nope" },
    "Greeter.Nope": { code: 501, detail: "unknown service Greeter.Nope" },
  },
} as const;
