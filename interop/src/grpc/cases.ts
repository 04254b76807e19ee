/**
 * The client side of gRPC's interop cases
 * (https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md). Each throws when the server doesn't do
 * what it should.
 */
import assert from "node:assert/strict";
import {
  binaryValue,
  bytesOfValue,
  type GrpcOptions,
  isGrpcError,
  statusCode,
  withGrpc,
} from "@ts-micro/client-grpc";
import { getMetadata, type Metadata, MicroError } from "ts-micro";
import { type Client, newTypedClient, type TypedClient } from "ts-micro/client";
import { TestService } from "../gen/grpc/testing/test_pb.ts";
import { echoInitial, echoTrailing } from "./metadata-keys.ts";

interface Peer {
  readonly client: Client;
  readonly address: string;
  readonly service: TypedClient<typeof TestService>;
}

export function newPeer(client: Client, address: string): Peer {
  const service = newTypedClient(TestService, client, {
    service: "grpc.testing.TestService",
    addresses: [address],
    // Ends a hang; no case needs a tenth of it.
    timeoutMs: 30_000,
    retries: 0,
  });
  return { client, address, service };
}

const requestSizes = [27182, 8, 1828, 45904];
const responseSizes = [31415, 9, 2653, 58979];
const payload = (size: number) => ({ body: new Uint8Array(size) });
const large = { responseSize: 314159, payload: payload(271828) };

export const cases: Readonly<Record<string, (peer: Peer) => Promise<void>>> = {
  async empty_unary({ service }) {
    const { $typeName } = await service.emptyCall({});
    assert.equal($typeName, "grpc.testing.Empty");
  },

  async large_unary({ service }) {
    const answer = await service.unaryCall(large);
    assert.ok(Buffer.alloc(314159).equals(answer.payload?.body ?? new Uint8Array()));
  },

  async client_streaming({ service }) {
    const answer = await service.streamingInputCall(requestSizes.map((size) => ({ payload: payload(size) })));
    assert.equal(answer.aggregatedPayloadSize, 74922);
  },

  async server_streaming({ service }) {
    const sizes = [];
    const responseParameters = responseSizes.map((size) => ({ size }));
    for await (const { payload } of service.streamingOutputCall({ responseParameters })) {
      sizes.push(payload?.body.length);
    }
    assert.deepEqual(sizes, responseSizes);
  },

  async ping_pong({ service }) {
    const sizes: number[] = [];
    let answered = (): void => {};
    async function* requests() {
      for (const [index, size] of requestSizes.entries()) {
        const next = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield { responseParameters: [{ size: responseSizes[index] as number }], payload: payload(size) };
        await next;
      }
    }
    for await (const { payload } of service.fullDuplexCall(requests())) {
      sizes.push(payload?.body.length ?? 0);
      answered();
    }
    assert.deepEqual(sizes, responseSizes);
  },

  async empty_stream({ service }) {
    for await (const _ of service.fullDuplexCall([])) assert.fail("an answer came though nothing was asked");
  },

  async client_compressed_unary({ service }) {
    const call = (compress: boolean, expected: boolean) =>
      service.unaryCall({ ...large, expectCompressed: { value: expected } }, withGrpc({}, { compress }));
    await rejectsWith(() => call(false, true), statusCode.invalidArgument);
    for (const compress of [true, false]) {
      const answer = await call(compress, compress);
      assert.equal(answer.payload?.body.length, 314159);
    }
  },

  async server_compressed_unary({ service }) {
    for (const compress of [true, false]) {
      let header: Metadata | undefined;
      const options = withGrpc({}, { onHeader: (received) => (header = received) });
      const answer = await service.unaryCall({ ...large, responseCompressed: { value: compress } }, options);
      assert.equal(answer.payload?.body.length, 314159);
      assert.equal(getMetadata(header ?? {}, "grpc-encoding") === "gzip", compress);
    }
  },

  async status_code_and_message({ service }) {
    const responseStatus = { code: statusCode.unknown, message: "test status message" };
    await rejectsWith(
      () => service.unaryCall({ responseStatus }),
      responseStatus.code,
      responseStatus.message,
    );
    const stream = service.fullDuplexCall([{ responseStatus }])[Symbol.asyncIterator]();
    await rejectsWith(() => stream.next(), responseStatus.code, responseStatus.message);
  },

  async special_status_message({ service }) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    const responseStatus = { code: statusCode.unknown, message };
    await rejectsWith(() => service.unaryCall({ responseStatus }), responseStatus.code, message);
  },

  async unimplemented_method({ client, address }) {
    await rejectsWith(() => unimplemented(client, address, "TestService"), statusCode.unimplemented);
  },

  async unimplemented_service({ client, address }) {
    await rejectsWith(() => unimplemented(client, address, "UnimplementedService"), statusCode.unimplemented);
  },

  async custom_metadata({ service }) {
    const bytes = Buffer.from([0x0a, 0x0b, 0x0a, 0x0b, 0x0a, 0x0b]);
    const metadata = { [echoInitial]: "test_initial_metadata_value", [echoTrailing]: binaryValue(bytes) };
    const echoed = async (call: (options: GrpcOptions) => Promise<void>) => {
      const received: { header?: Metadata; trailer?: Metadata } = {};
      await call({
        onHeader: (header) => Object.assign(received, { header }),
        onTrailer: (trailer) => Object.assign(received, { trailer }),
      });
      assert.equal(getMetadata(received.header ?? {}, echoInitial), metadata[echoInitial]);
      assert.deepEqual(bytesOfValue(getMetadata(received.trailer ?? {}, echoTrailing) ?? ""), bytes);
    };
    await echoed(async (options) => {
      const request = { responseSize: 314159, payload: payload(271828) };
      const answer = await service.unaryCall(request, withGrpc({ metadata }, options));
      assert.equal(answer.payload?.body.length, 314159);
    });
    await echoed(async (options) => {
      const request = { responseParameters: [{ size: 314159 }], payload: payload(271828) };
      let answers = 0;
      for await (const _ of service.fullDuplexCall([request], withGrpc({ metadata }, options))) answers++;
      assert.equal(answers, 1);
    });
  },

  async timeout_on_sleeping_server({ service }) {
    const sleepy = { responseParameters: [{ size: 31415, intervalUs: 50_000 }], payload: payload(27182) };
    async function* requests() {
      yield sleepy;
      // Not ended, as the description wants it.
      await new Promise(() => {});
    }
    const stream = service.fullDuplexCall(requests(), { timeoutMs: 1 })[Symbol.asyncIterator]();
    await assert.rejects(stream.next(), (thrown) => MicroError.is(thrown) && thrown.code === 408);
  },

  async cancel_after_begin({ client, address }) {
    const abort = new AbortController();
    const stream = await client.stream({
      service: "grpc.testing.TestService",
      package: "grpc.testing",
      endpoint: "TestService.StreamingInputCall",
      addresses: [address],
      signal: abort.signal,
    });
    abort.abort();
    await assert.rejects(stream[Symbol.asyncIterator]().next(), isCancelled);
  },

  async cancel_after_first_response({ service }) {
    const abort = new AbortController();
    async function* requests() {
      yield { responseParameters: [{ size: 31415 }], payload: payload(27182) };
      await new Promise(() => {});
    }
    const stream = service.fullDuplexCall(requests(), { signal: abort.signal })[Symbol.asyncIterator]();
    const first = await stream.next();
    assert.equal(first.value?.payload?.body.length, 31415);
    abort.abort();
    await assert.rejects(stream.next(), isCancelled);
  },
};

function unimplemented(client: Client, address: string, type: string): Promise<unknown> {
  return client.call({
    service: "grpc.testing",
    package: "grpc.testing",
    endpoint: `${type}.UnimplementedCall`,
    body: new Uint8Array(),
    addresses: [address],
    retries: 0,
  });
}

function isCancelled(thrown: unknown): boolean {
  return MicroError.is(thrown) && thrown.code === 499 && thrown.reason === "cancelled";
}

async function rejectsWith(call: () => Promise<unknown>, code: number, message?: string): Promise<void> {
  const thrown = await call().then(
    () => assert.fail(`the call went well; status ${code} was expected`),
    (reason: unknown) => reason,
  );
  assert.ok(isGrpcError(thrown), `${thrown} has no gRPC status`);
  assert.equal(thrown.grpc.code, code);
  if (message !== undefined) assert.equal(thrown.grpc.message, message);
}
