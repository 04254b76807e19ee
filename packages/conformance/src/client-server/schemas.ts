import assert from "node:assert/strict";
import { create, equals, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { conflict } from "ts-micro";
import { type ClientOptions, newTypedClient, type TypedClient } from "ts-micro/client";
import { newHandler, type Server, type ServiceImplementation } from "ts-micro/server";
import type { ClientServerBench, World } from "./bench.ts";
import { Class, Lab, NumberSchema, ParcelSchema } from "./gen/tsmicro/conformance/v1/lab_pb.ts";

/** Handlers and clients of a protobuf service. Streams are in `schema-streams.ts`. */
export function schemaTests(bench: ClientServerBench): void {
  const { deadlines } = bench.supports;

  for (const contentType of [undefined, ...Object.keys(bench.contentTypes)]) {
    bench.test(
      `messages of a schema survive, with ${contentType ?? "the default content type"}`,
      async (world) => {
        const received: unknown[] = [];
        await serveLab(world, {
          echo(request) {
            received.push(request);
            return request;
          },
        });
        const lab = labClient(world, contentType === undefined ? {} : { contentType });
        const sent = create(ParcelSchema, parcel);
        const answer = await lab.echo(parcel);
        for (const message of [received[0], answer]) {
          assert.ok(
            equals(ParcelSchema, message as typeof answer, sent),
            JSON.stringify(message, bigIntAsText),
          );
        }
        assert.ok(equals(ParcelSchema, await lab.echo({}), create(ParcelSchema)), "a message of defaults");
      },
    );
  }

  bench.test("an answer may be a plain object, and be given at once", async (world) => {
    await serveLab(world, {
      echo: ({ firstLine }) => ({ firstLine: `${firstLine}!`, parts: [{ weight: 2n }] }),
    });
    const { firstLine, parts, content } = await labClient(world).echo({ firstLine: "x" });
    assert.deepEqual([firstLine, parts[0]?.weight, [...content]], ["x!", 2n, []]);
  });

  bench.test("a handler of a schema fails as others do", async (world) => {
    await serveLab(world, {
      echo: async () => {
        throw conflict("lab", "taken: 100 %");
      },
    });
    await assert.rejects(labClient(world).echo({}), { id: "lab", code: 409, detail: "taken: 100 %" });
  });

  bench.test(
    "a request that doesn't fit is an error and not sent; an answer that doesn't is one too",
    async (world) => {
      let calls = 0;
      await serveLab(world, {
        echo() {
          calls++;
          return { parts: ["none"] } as object;
        },
      });
      const lab = labClient(world);
      await assert.rejects(lab.echo({ parts: [7] } as object), { code: 500, reason: "encode-failed" });
      assert.equal(calls, 0);
      await assert.rejects(lab.echo({}, { timeoutMs: 10_000 }), { code: 500, reason: undefined });
      assert.equal(calls, 1);
    },
  );

  bench.test("options of the client hold for its calls, and those of a call come first", async (world) => {
    await serveLab(world, { echo: () => new Promise<never>(() => {}) });
    const lab = newTypedClient(Lab, world.client(), { service: world.service, timeoutMs: 60 });
    await assert.rejects(lab.echo({}), { code: 408, reason: "timeout" });
    const stop = new AbortController();
    const call = lab.echo({}, { timeoutMs: 20_000, signal: stop.signal });
    stop.abort();
    await assert.rejects(call, { code: 499, reason: "cancelled" });
  });

  if (deadlines) {
    bench.test("a handler of a schema knows the caller's remaining time", async (world) => {
      let remainingMs: number | undefined;
      await serveLab(world, {
        echo(_request, context) {
          remainingMs = context.remainingMs();
          return {};
        },
      });
      await labClient(world).echo({}, { timeoutMs: 60_000 });
      assert.ok(remainingMs !== undefined && remainingMs > 0 && remainingMs <= 60_000, String(remainingMs));
    });
  }

  bench.test("a handler that is added while the server runs is served", async (world) => {
    const server = await world.serve({ Echo: (request: unknown) => request });
    server.handle(newHandler(Lab, plainLab));
    assert.equal((await labClient(world).echo({ weight: 3n })).weight, 3n);
  });
}

/** Answers with what it was asked for. */
const plainLab: ServiceImplementation<typeof Lab> = {
  echo: (parcel) => parcel,
  async *countTo({ value: last }) {
    for (let value = 1n; value <= last; value++) yield { value };
  },
  async sumUp(numbers) {
    let sum = 0n;
    for await (const { value } of numbers) sum += value;
    return create(NumberSchema, { value: sum });
  },
  async *double(numbers) {
    for await (const { value } of numbers) yield { value: 2n * value };
  },
};

/** A started server with the methods of `plainLab`, but for those given. */
export async function serveLab(
  world: World,
  methods: Partial<ServiceImplementation<typeof Lab>> = {},
): Promise<Server> {
  const server = world.create();
  server.handle(newHandler(Lab, { ...plainLab, ...methods }));
  await server.start();
  return server;
}

export function labClient(world: World, options?: ClientOptions): TypedClient<typeof Lab> {
  return newTypedClient(Lab, world.client(options), { service: world.service });
}

const parcel: MessageInitShape<typeof ParcelSchema> = {
  firstLine: "Jörg <&> \u2028",
  content: Uint8Array.of(0, 255),
  weight: 18_446_744_073_709_551_615n,
  class: Class.FIRST,
  stamps: { red: 9_007_199_254_740_993n, blue: -1n },
  recipient: { case: "box", value: { value: 0n } },
  parts: [{ firstLine: "part", recipient: { case: "name", value: "" } }, {}],
  sent: timestampFromMs(1_700_000_000_123),
};

function bigIntAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
