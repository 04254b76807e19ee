import { context, propagation, SpanKind, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { newService } from "ts-micro";
import { traceCall, traceHandler } from "./tracing.ts";

// Where spans go. A real program sends them to its collector (`@opentelemetry/sdk-node`); this one prints them.
const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
);

const service = newService({
  name: "shop",
  address: "127.0.0.1:0",
  registry: "memory",
  wrapHandler: [traceHandler],
  wrapCall: [traceCall],
});

service.handle("Shop", {
  Order: (_request: unknown, context) =>
    service.client.call({ service: "shop", endpoint: "Shop.Price", context }),
  Price: () => ({ price: 3 }),
});

await service.run(async () => {
  await service.client.call({ service: "shop", endpoint: "Shop.Order" });
});

const spans = exporter.getFinishedSpans();
print(undefined, "");

function print(parent: ReadableSpan | undefined, indent: string): void {
  const below = spans.filter((span) => span.parentSpanContext?.spanId === parent?.spanContext().spanId);
  for (const span of below) {
    console.log(`${indent}${span.name} (${SpanKind[span.kind].toLowerCase()})`);
    print(span, `${indent}  `);
  }
}
