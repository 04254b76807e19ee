import { CallContext, type Context, type Metadata, newMetadata } from "ts-micro";

/** What only gRPC has of a call, for the handlers that need it. */
export interface GrpcCall {
  /** As the caller wrote it: `/helloworld.Greeter/SayHello`. */
  readonly path: string;
  /** The request message that the handler has read last was compressed. */
  readonly requestCompressed: boolean;
  /** Sent before the first answer. What is added after that is lost. Values of `-bin` keys are base64. */
  readonly header: Metadata;
  /** Sent after the last answer, with the status. */
  readonly trailer: Metadata;
  /** Whether the answers that follow are compressed, where the caller can read it. @default the server's option */
  compress: boolean;
}

/** The gRPC side of a handler's call; `undefined` when it was called over another protocol. */
export function grpcCall(context: Context): GrpcCall | undefined {
  return (context as Partial<GrpcContext>)[callKey];
}

// A symbol of the process: the handler may import another copy of this package than the server's.
const callKey: unique symbol = Symbol.for("ts-micro.grpc.call.v1") as never;

/** The context of a call that came over gRPC. */
export class GrpcContext extends CallContext {
  readonly [callKey]: GrpcCall;

  constructor(fields: ConstructorParameters<typeof CallContext>[0], call: GrpcCall) {
    super(fields);
    this[callKey] = call;
  }
}

export function newGrpcCall(path: string, compress: boolean): GrpcCall & { requestCompressed: boolean } {
  return { path, requestCompressed: false, header: newMetadata(), trailer: newMetadata(), compress };
}
