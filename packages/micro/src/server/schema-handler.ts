import type { Context } from "../context.ts";
import { badRequest, internalServerError, type MicroError } from "../errors.ts";
import { loadProtobuf, messageType } from "../schema/message-type.ts";
import type {
  MessageInit,
  MessageOf,
  MethodDescriptor,
  Methods,
  ServiceDescriptor,
} from "../schema/schema.ts";
import { valueTree } from "../schema/value-tree.ts";
import { didYouMean, isPlainObject, kindOf } from "../shape.ts";
import type { EndpointHandler, Handler, StreamHandler, UnaryHandler } from "./server.ts";

/**
 * The functions of a protobuf service, by their names in TypeScript: `sayHello` for `SayHello`. All of them must
 * be there. An answer may be a plain object in which fields are left out.
 */
export type ServiceImplementation<S extends ServiceDescriptor> = {
  [M in keyof Methods<S>]: MethodImplementation<Methods<S>[M]>;
};

/** One function of it, by the kind of the method. */
export type MethodImplementation<M extends MethodDescriptor> = M extends { methodKind: "unary" }
  ? (request: MessageOf<M["input"]>, context: Context) => Answer<MessageOf<M["output"]>>
  : M extends { methodKind: "server_streaming" }
    ? (request: MessageOf<M["input"]>, context: Context) => AsyncIterable<MessageInit<MessageOf<M["output"]>>>
    : M extends { methodKind: "client_streaming" }
      ? (requests: AsyncIterable<MessageOf<M["input"]>>, context: Context) => Answer<MessageOf<M["output"]>>
      : M extends { methodKind: "bidi_streaming" }
        ? (
            requests: AsyncIterable<MessageOf<M["input"]>>,
            context: Context,
          ) => AsyncIterable<MessageInit<MessageOf<M["output"]>>>
        : (request: never, context: Context) => unknown;

/** `Promise`, since the compiler's complaints about a `PromiseLike` speak of its `then` first. */
type Answer<Output> = MessageInit<Output> | Promise<MessageInit<Output>>;

export interface SchemaHandlerOptions<S extends ServiceDescriptor = ServiceDescriptor> {
  /** Callable, but not in the registry. @default false */
  internal?: boolean;
  /** Per method, by its name in TypeScript: what is registered with its endpoint. */
  endpoints?: { readonly [M in keyof Methods<S>]?: { readonly metadata?: Readonly<Record<string, string>> } };
}

/**
 * Makes a handler of a protobuf service: `sayHello` of `helloworld.Greeter` becomes the endpoint
 * `Greeter.SayHello`.
 * @throws MicroError 400 that names the handler, every method that doesn't fit, and the cure.
 */
export function newSchemaHandler<S extends ServiceDescriptor>(
  schema: S,
  implementation: ServiceImplementation<S>,
  options: SchemaHandlerOptions<S> = {},
): Handler {
  const functions = functionsOf(schema, implementation);
  const { internal = false } = options;
  const endpoints: SchemaHandlerOptions["endpoints"] & object = options.endpoints ?? {};
  const unknown = namesMissingIn(schema, endpoints).map(
    (name) => `in its options, ${noMethod(schema, name)}`,
  );
  if (unknown.length > 0) throw misfit(schema, unknown);
  const ready = loadProtobuf();
  return {
    name: schema.name,
    endpoints: schema.methods.map(
      (method): EndpointHandler => ({
        name: `${schema.name}.${method.name}`,
        ...served(method, functions[method.localName] as Implementation),
        requestType: messageType(method.input),
        responseType: messageType(method.output),
        request: valueTree(method.input),
        response: valueTree(method.output),
        metadata: { ...endpoints[method.localName]?.metadata },
      }),
    ),
    internal,
    schema,
    ...(ready !== undefined && { ready }),
  };
}

/** A function of the implementation, whose kind is known from its method. */
type Implementation = (request: unknown, context: Context) => unknown;

/** As the core's handlers are: one request and one answer, or two streams. */
function served(method: MethodDescriptor, run: Implementation): Pick<EndpointHandler, "run" | "streaming"> {
  const stream = (handler: StreamHandler): Pick<EndpointHandler, "run" | "streaming"> => ({
    run: handler,
    streaming: true,
  });
  switch (method.methodKind) {
    case "unary":
      return { run: run as UnaryHandler, streaming: false };
    case "server_streaming":
      return stream(async function* (requests, context) {
        yield* iterable(method, run(await onlyRequest(method, requests), context));
      });
    case "client_streaming":
      return stream(async function* (requests, context) {
        yield await run(requests, context);
      });
    case "bidi_streaming":
      return stream((requests, context) => iterable(method, run(requests, context)));
  }
}

/** The end of the requests is not waited for: go-micro v2's gRPC client never sends one. */
async function onlyRequest(method: MethodDescriptor, requests: AsyncIterable<unknown>): Promise<unknown> {
  for await (const request of requests) return request;
  throw badRequest("go.micro.server", `${method.name} takes one request, and none was sent`);
}

function iterable(method: MethodDescriptor, answers: unknown): AsyncIterable<unknown> {
  if (typeof answers === "object" && answers !== null && Symbol.asyncIterator in answers) {
    return answers as AsyncIterable<unknown>;
  }
  throw internalServerError(
    "go.micro.server",
    `${method.localName} returned nothing to iterate over; write it as async function*`,
  );
}

/** The implementation's functions, bound to it. */
function functionsOf(schema: ServiceDescriptor, implementation: unknown): Record<string, Implementation> {
  if (typeof implementation !== "object" || implementation === null) {
    throw misfit(schema, [`it is ${kindOf(implementation)}, not an object of functions`]);
  }
  const given = implementation as Record<string, unknown>;
  // An object literal holds nothing else; a class may have state and helpers.
  const surplus = isPlainObject(implementation) ? namesMissingIn(schema, given) : [];
  const problems = surplus.map((name) => noMethod(schema, name));
  for (const { localName } of schema.methods) {
    const value = given[localName];
    if (typeof value === "function") continue;
    if (value !== undefined) problems.push(`${localName} is ${kindOf(value)}, not a function`);
    else if (didYouMean(localName, surplus) === undefined) problems.push(`${localName} is missing`);
  }
  if (problems.length > 0) throw misfit(schema, problems);
  return Object.fromEntries(
    schema.methods.map(({ localName }) => [
      localName,
      (given[localName] as Implementation).bind(implementation),
    ]),
  );
}

function namesMissingIn(schema: ServiceDescriptor, named: object): string[] {
  return Object.keys(named).filter((name) => !Object.hasOwn(schema.method, name));
}

function noMethod(schema: ServiceDescriptor, name: string): string {
  const near = didYouMean(name, Object.keys(schema.method));
  return `${name} is not one of its methods${near === undefined ? "" : `, did you mean ${near}?`}`;
}

function misfit(schema: ServiceDescriptor, problems: readonly string[]): MicroError {
  const names = Object.keys(schema.method).join(", ");
  return badRequest(
    "go.micro.server",
    `the handler ${schema.name} doesn't fit ${schema.typeName}: ${problems.join("; ")}. Give a function for each of its methods: ${names}`,
  );
}
