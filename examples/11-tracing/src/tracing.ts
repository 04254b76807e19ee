/**
 * Two wrappers that join the calls of ts-micro to OpenTelemetry's traces. The trace travels in the metadata of each call.
 */
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { type CallWrapper, canonicalKey, getMetadata, type HandlerWrapper, type Metadata } from "ts-micro";

const tracer = trace.getTracer("ts-micro");

/** For `wrapHandler`: a span for each call that is served, below its caller's. Of a stream, until the handler gives its answers. */
export const traceHandler: HandlerWrapper = (next) => (request, call) => {
  const caller = propagation.extract(context.active(), call.metadata, {
    keys: Object.keys,
    get: getMetadata,
  });
  return tracer.startActiveSpan(request.endpoint, { kind: SpanKind.SERVER }, caller, (span) =>
    ending(span, async () => next(request, call)),
  );
};

/** For `wrapCall`: a span for each attempt of a call, which the handler's continues. */
export const traceCall: CallWrapper = (next) => (attempt) =>
  tracer.startActiveSpan(attempt.request.endpoint, { kind: SpanKind.CLIENT }, (span) => {
    propagation.inject(context.active(), attempt.metadata, {
      set(metadata: Metadata, key, value) {
        metadata[canonicalKey(key)] = value;
      },
    });
    return ending(span, () => next(attempt));
  });

async function ending<Result>(span: Span, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
    throw error;
  } finally {
    span.end();
  }
}
