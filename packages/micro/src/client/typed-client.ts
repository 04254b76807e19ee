import { badRequest, internalServerError } from "../errors.ts";
import { loadProtobuf, messageType } from "../schema/message-type.ts";
import {
  isServiceDescriptor,
  type MessageInit,
  type MessageOf,
  type MethodDescriptor,
  type Methods,
  packageOf,
  type ServiceDescriptor,
} from "../schema/schema.ts";
import type { CallOptions, Client, StreamRequest } from "./client.ts";
import { converse, type Requests } from "./converse.ts";

/**
 * The methods of a protobuf service, by their names in TypeScript: `sayHello` calls `Greeter.SayHello`.
 *
 * Requests may be plain objects in which fields are left out. A stream is opened when its first answer is asked
 * for; leaving the loop cancels it.
 */
export type TypedClient<S extends ServiceDescriptor> = {
  readonly [M in keyof Methods<S>]: TypedMethod<Methods<S>[M]>;
};

export type TypedMethod<M extends MethodDescriptor> = M extends { methodKind: "unary" }
  ? (request: MessageInit<MessageOf<M["input"]>>, options?: CallOptions) => Promise<MessageOf<M["output"]>>
  : M extends { methodKind: "server_streaming" }
    ? (
        request: MessageInit<MessageOf<M["input"]>>,
        options?: CallOptions,
      ) => AsyncIterable<MessageOf<M["output"]>>
    : M extends { methodKind: "client_streaming" }
      ? (
          requests: Requests<MessageInit<MessageOf<M["input"]>>>,
          options?: CallOptions,
        ) => Promise<MessageOf<M["output"]>>
      : M extends { methodKind: "bidi_streaming" }
        ? (
            requests: Requests<MessageInit<MessageOf<M["input"]>>>,
            options?: CallOptions,
          ) => AsyncIterable<MessageOf<M["output"]>>
        : (request: never, options?: CallOptions) => unknown;

/** Where the service is. What is set beside is the default of each call, which may set it otherwise. */
export interface TypedClientOptions extends CallOptions {
  /** Name in the registry. */
  service: string;
}

/**
 * Makes a typed client over any client. Opens nothing; `client` is used from the first call on.
 *
 * `@bufbuild/protobuf` is imported meanwhile; the first calls wait for it.
 * @throws MicroError 400 when `schema` is no service descriptor, or no service is named.
 */
export function newTypedClient<S extends ServiceDescriptor>(
  schema: S,
  client: Client,
  options: TypedClientOptions,
): TypedClient<S> {
  if (!isServiceDescriptor(schema)) {
    throw badRequest(
      "go.micro.client",
      `${typeof schema === "string" ? JSON.stringify(schema) : "this"} is not a service descriptor. Give the service that protoc-gen-es generated, such as GreeterService`,
    );
  }
  if (typeof options?.service !== "string" || options.service === "") {
    throw badRequest(
      "go.micro.client",
      `for ${schema.typeName} no service is named. Give its name in the registry: { service: "greeter" }`,
    );
  }
  // Its failure is told by the calls.
  void loadProtobuf();
  const methods = schema.methods.map((method) => [
    method.localName,
    typedMethod(method, client, target(schema, method, options)),
  ]);
  return Object.freeze(Object.fromEntries(methods)) as TypedClient<S>;
}

/** What all calls of a method have in common. */
function target(
  schema: ServiceDescriptor,
  method: MethodDescriptor,
  options: TypedClientOptions,
): StreamRequest {
  const packageName = packageOf(schema);
  return {
    // The schema may say that running it twice does no harm.
    ...(method.idempotency > 0 && { idempotent: true }),
    ...options,
    endpoint: `${schema.name}.${method.name}`,
    ...(packageName !== "" && { package: packageName }),
    requestType: messageType(method.input),
    responseType: messageType(method.output),
  };
}

function typedMethod(method: MethodDescriptor, client: Client, target: StreamRequest): unknown {
  const open = (options: Partial<StreamRequest> | undefined) => async () => {
    await loadProtobuf();
    return client.stream({ ...target, ...options });
  };
  switch (method.methodKind) {
    case "unary":
      return async (body: unknown, options?: CallOptions) => {
        await loadProtobuf();
        return client.call({ ...target, ...options, body });
      };
    case "server_streaming":
      return (request: unknown, options?: CallOptions) => converse(open(options), [request]);
    case "client_streaming":
      return (requests: Requests, options?: CallOptions) =>
        onlyAnswer(converse(open({ ...options, oneAnswer: true }), requests), target);
    case "bidi_streaming":
      return (requests: Requests, options?: CallOptions) => converse(open(options), requests);
  }
}

async function onlyAnswer(
  answers: AsyncIterable<unknown>,
  { service, endpoint }: StreamRequest,
): Promise<unknown> {
  const all: unknown[] = [];
  for await (const answer of answers) {
    all.push(answer);
    if (all.length > 1) break;
  }
  if (all.length === 1) return all[0];
  const count = all.length === 0 ? "no answer" : "more than one answer";
  throw internalServerError("go.micro.client", `${service} ${endpoint} gave ${count}, one was expected`);
}
