/**
 * The server side of gRPC's interop cases (https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md)
 * as a handler.
 */
import { setTimeout as delay } from "node:timers/promises";
import { GrpcError, grpcCall, statusCode } from "@ts-micro/server-grpc";
import { type Context, getMetadata, newHandler } from "ts-micro";
import type { Handler } from "ts-micro/server";
import {
  type BoolValue,
  type EchoStatus,
  PayloadType,
  type ResponseParameters,
} from "../gen/grpc/testing/messages_pb.ts";
import { TestService } from "../gen/grpc/testing/test_pb.ts";
import { echoInitial, echoTrailing } from "./metadata-keys.ts";

export function newTestService(): Handler {
  return newHandler(TestService, {
    emptyCall: () => ({}),

    unaryCall({ responseSize, responseStatus, responseCompressed, expectCompressed }, context) {
      echoMetadata(context);
      checkCompressed(expectCompressed, context);
      throwStatus(responseStatus);
      compress(responseCompressed, context);
      return { payload: payloadOf(responseSize) };
    },

    async *streamingOutputCall({ responseParameters }, context) {
      yield* answers(responseParameters, context);
    },

    async streamingInputCall(requests, context) {
      let aggregatedPayloadSize = 0;
      for await (const { payload, expectCompressed } of requests) {
        checkCompressed(expectCompressed, context);
        aggregatedPayloadSize += payload?.body.length ?? 0;
      }
      return { aggregatedPayloadSize };
    },

    async *fullDuplexCall(requests, context) {
      echoMetadata(context);
      for await (const { responseParameters, responseStatus } of requests) {
        throwStatus(responseStatus);
        yield* answers(responseParameters, context);
      }
    },
  });
}

async function* answers(parameters: readonly ResponseParameters[], context: Context) {
  for (const { size, intervalUs, compressed } of parameters) {
    if (intervalUs > 0) await delay(intervalUs / 1_000, undefined, { signal: context.signal });
    compress(compressed, context);
    yield { payload: payloadOf(size) };
  }
}

function payloadOf(size: number) {
  return { type: PayloadType.COMPRESSABLE, body: new Uint8Array(size) };
}

function throwStatus(status: EchoStatus | undefined): void {
  if (status !== undefined && status.code !== 0)
    throw new GrpcError({ code: status.code, message: status.message });
}

function echoMetadata(context: Context): void {
  const call = grpcCall(context);
  const initial = getMetadata(context.metadata, echoInitial);
  const trailing = getMetadata(context.metadata, echoTrailing);
  if (call !== undefined && initial !== undefined) call.header[echoInitial] = initial;
  if (call !== undefined && trailing !== undefined) call.trailer[echoTrailing] = trailing;
}

function checkCompressed(expected: BoolValue | undefined, context: Context): void {
  if (expected === undefined || expected.value === grpcCall(context)?.requestCompressed) return;
  const message = `the request should ${expected.value ? "" : "not "}be compressed`;
  throw new GrpcError({ code: statusCode.invalidArgument, message });
}

function compress(wanted: BoolValue | undefined, context: Context): void {
  const call = grpcCall(context);
  if (call !== undefined && wanted !== undefined) call.compress = wanted.value;
}
