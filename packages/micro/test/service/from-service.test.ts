import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../../src/client/client.ts";
import { newMetadata } from "../../src/metadata.ts";
import { newService } from "../../src/service.ts";
import { newRecorder } from "./recorder.ts";

test("calls, streams and messages say who sends them, unless they do already", async () => {
  const seen: unknown[] = [];
  const remember = async (options: { metadata?: object } = {}): Promise<never> => {
    seen.push(options.metadata);
    return undefined as never;
  };
  const base: Client = newRecorder().factory("client", "c")({});
  const client: Client = {
    ...base,
    call: remember,
    stream: remember,
    publish: (_topic, _body, options) => remember(options),
  };
  const service = newService({ argv: [], env: { MICRO_SERVER_NAME: "shop" }, client });
  await service.init();
  const own = newMetadata({ "micro-from-service": "proxy" });
  const request = { service: "s", endpoint: "E.M", metadata: { "X-Id": "1" } };
  await service.client.call(request);
  await service.client.stream({ service: "s", endpoint: "E.M" });
  await service.publish("news", {}, { metadata: own });
  await service.publish("news", {});
  assert.deepEqual(seen, [
    newMetadata({ "X-Id": "1", "Micro-From-Service": "shop" }),
    newMetadata({ "Micro-From-Service": "shop" }),
    own,
    newMetadata({ "Micro-From-Service": "shop" }),
  ]);
  assert.deepEqual(request.metadata, { "X-Id": "1" });
  await service.stop();
});

test("a wrapper that gives no client is told", async () => {
  const service = newService({
    argv: [],
    env: {},
    client: newRecorder().factory("client", "c"),
    wrapClient: [
      function tracing(next) {
        const { publish: _publish, ...rest } = next;
        return rest as Client;
      },
    ],
  });
  await assert.rejects(
    service.client.call({ service: "s", endpoint: "E.M" }),
    /tracing returns is not a client: missing method publish/,
  );
  await service.stop();
});
