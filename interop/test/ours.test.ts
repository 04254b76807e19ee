/** The calls that are tried with go-micro, between services of ours. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Service } from "ts-micro";
import { type CodecName, codecs } from "../src/codecs.ts";
import { failsWith } from "../src/fails-with.ts";
import { newName } from "../src/new-name.ts";
import { rowsByOurs } from "../src/rows/call-rows.ts";
import { type SeenByOurs, seenByOurs } from "../src/rows/calls-by-ours.ts";
import { type OurProtocol, ourCaller, ourGreeter } from "../src/rows/greeters.ts";
import { type Deviations, forEachRow } from "../src/rows/rows.ts";

const deviations: Deviations<SeenByOurs> = {
  panic: [
    "T1",
    ({ name, greeter }) => failsWith(() => greeter.panic({}), { id: name, code: 500, detail: "out of tea" }),
  ],
};

/** What is chosen, and in which codecs it is tried. */
const columns: readonly [OurProtocol, readonly (readonly [CodecName, string])[]][] = [
  [
    "default",
    [
      ["JSON", "application/json"],
      ["protobuf", "application/protobuf"],
    ],
  ],
  ["mucp", codecs.mucp],
  ["grpc", codecs.grpc],
];

for (const [protocol, contentTypes] of columns) {
  describe(`between services of ours, ${protocol}`, () => {
    const [name, secureName] = [newName(), newName()];
    let services: Service[];
    let caller: Service;
    let secureCaller: Service;
    before(async () => {
      [caller, secureCaller, ...services] = await Promise.all([
        ourCaller(protocol),
        ourCaller(protocol, { secure: true }),
        ourGreeter(protocol, name),
        ourGreeter(protocol, secureName, { secure: true }),
      ]);
    });
    after(() => Promise.all([caller, secureCaller, ...services].map((service) => service.stop())));

    for (const [codec, contentType] of contentTypes) {
      const chosen = protocol === "default" ? "nothing chosen" : protocol;
      const column = `ts-micro → ts-micro, ${chosen}, ${codec}`;
      const rows = rowsByOurs(protocol === "grpc" ? "grpc" : "mucp", codec);
      forEachRow(rows, deviations, column, (title, run) =>
        test(title, () => run(seenByOurs(caller, name, { contentType }))),
      );
      test(`TLS: ${column}`, async () => {
        const { greeter } = seenByOurs(secureCaller, secureName, { contentType });
        assert.equal((await greeter.hello({ name: "John" })).name, "Hello John");
        await failsWith(() => greeter.fail({}), { id: "greeter.users", code: 404, detail: "no such user" });
        const plain = seenByOurs(caller, secureName, { contentType, retries: 0 });
        await assert.rejects(plain.greeter.hello({}), /lost|can't connect/);
      });
    }
  });
}
