import type { Context } from "../context.ts";
import { badRequest, type MicroError } from "../errors.ts";
import { isServiceDescriptor, type ServiceDescriptor } from "../schema/schema.ts";
import { didYouMean, isPlainObject, kindOf } from "../shape.ts";
import { newSchemaHandler, type SchemaHandlerOptions, type ServiceImplementation } from "./schema-handler.ts";
import type { EndpointHandler, Handler, HandlerOptions, StreamHandler, UnaryHandler } from "./server.ts";

/** Any function that can be an endpoint, whatever it expects as its request. */
type Method = (request: never, context: Context) => unknown;

const streamBrand = Symbol.for("ts-micro.stream.v1");

/**
 * Marks a method as streaming: `Count: stream(async function* (requests, context) { … })`.
 *
 * Returns the same function. A native `async function*` is taken for a stream without the mark.
 */
export function stream<Request = unknown, Response = unknown>(
  run: (requests: AsyncIterable<Request>, context: Context) => AsyncIterable<Response>,
): StreamHandler<Request, Response> {
  Object.defineProperty(run, streamBrand, { value: true, configurable: true });
  return run;
}

/** What a handler is made of, whose name or schema is `N`. */
export type MethodsOf<N> = N extends ServiceDescriptor
  ? ServiceImplementation<N>
  : Readonly<Record<string, Method>> | object;

export type HandlerOptionsOf<N> = N extends ServiceDescriptor ? SchemaHandlerOptions<N> : HandlerOptions;

/**
 * Makes a handler of a name and an object: each function in it becomes the endpoint `<name>.<key>`. Of a class
 * instance, its own functions count and those methods of its class whose name starts with a capital letter, as
 * in Go: its helpers must not become callable from outside.
 *
 * Or of a protobuf service and an implementation: `sayHello` of `helloworld.Greeter` becomes the endpoint
 * `Greeter.SayHello`. `@bufbuild/protobuf` is imported meanwhile; servers wait for it.
 * @throws MicroError 400 that names the handler, the method and the cure; for a protobuf service, every method
 *   that doesn't fit.
 */
export function newHandler<N extends string | ServiceDescriptor>(
  nameOrSchema: N,
  methods: MethodsOf<N>,
  options?: HandlerOptionsOf<N>,
): Handler {
  // One signature instead of two: of overloads, the compiler shows the errors of one only.
  return isServiceDescriptor(nameOrSchema)
    ? newSchemaHandler(nameOrSchema, methods as ServiceImplementation<ServiceDescriptor>, options)
    : newPlainHandler(nameOrSchema, methods, options as HandlerOptions);
}

function newPlainHandler(name: string, methods: object, options: HandlerOptions = {}): Handler {
  if (typeof name !== "string" || name === "") {
    throw problem("a handler has no name", 'Give it one, such as "Greeter", or a service of a schema');
  }
  if (!isName(name)) {
    throw problem(
      `the handler name ${JSON.stringify(name)} is invalid`,
      "Use letters, digits, _ and - without a dot; a protobuf package is left out",
    );
  }
  if ((typeof methods !== "object" && typeof methods !== "function") || methods === null) {
    throw problem(
      `handler ${name} is ${kindOf(methods)}`,
      "Give an object of functions or a class instance, such as { Hello: (request, context) => answer }",
    );
  }
  const found = methodsOf(name, methods);
  for (const key of Object.keys(options.endpoints ?? {})) {
    if (found.has(key)) continue;
    const near = didYouMean(key, found.keys());
    throw problem(
      `handler ${name} has options for ${key}, which is not one of its methods`,
      near === undefined ? `It has ${[...found.keys()].join(", ")}` : `Did you mean ${near}?`,
    );
  }
  const endpoints = [...found].map(([key, { run, streaming }]): EndpointHandler => {
    const { metadata, requestType, responseType } = options.endpoints?.[key] ?? {};
    return {
      name: `${name}.${key}`,
      run,
      streaming,
      metadata: { ...metadata },
      ...(requestType !== undefined && { requestType }),
      ...(responseType !== undefined && { responseType }),
    };
  });
  return { name, endpoints, internal: options.internal ?? false };
}

/** True for what `newHandler` makes, whichever copy of this package made it. */
export function isHandler(value: unknown): value is Handler {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Handler).name === "string" &&
    Array.isArray((value as Handler).endpoints)
  );
}

type Methods = Map<string, Pick<EndpointHandler, "run" | "streaming">>;

function methodsOf(name: string, methods: object): Methods {
  const found: Methods = new Map();
  const plain = isPlainObject(methods);
  for (const [key, value] of Object.entries(methods)) {
    if (typeof value === "function") add(key, value);
    // The fields of a class instance are its state, those of an object literal can only be a mistake.
    else if (plain) {
      throw problem(
        `handler ${name}, method ${key} is ${kindOf(value)}`,
        "Give a function (request, context) => answer",
      );
    }
  }
  const helpers: string[] = [];
  for (const [key, value] of inheritedMethods(methods)) {
    if (found.has(key)) continue;
    if (/^[A-Z]/.test(key)) add(key, value);
    else helpers.push(key);
  }
  if (found.size > 0) return found;
  throw helpers.length === 0
    ? problem(
        `handler ${name} has no methods`,
        "Give at least one, such as { Hello: (request, context) => answer }",
      )
    : problem(
        `handler ${name} has no method that starts with a capital letter (found ${helpers.join(", ")})`,
        "Capitalise those of the class that others may call",
      );

  function add(key: string, run: Method): void {
    if (!isName(key)) {
      throw problem(
        `handler ${name} has a method named ${JSON.stringify(key)}`,
        "Use letters, digits, _ and - in the names of methods",
      );
    }
    if (/^class\b/.test(Function.prototype.toString.call(run))) {
      throw problem(
        `handler ${name}, method ${key} is a class`,
        "Give a function, or make an instance of the class a handler of its own",
      );
    }
    found.set(key, { run: run.bind(methods) as UnaryHandler | StreamHandler, streaming: isStream(run) });
  }
}

/** Methods of the object's class and the classes above it, nearest first. Accessors are not read. */
function* inheritedMethods(value: object): Iterable<[string, Method]> {
  const above: object | null = Object.getPrototypeOf(value);
  if (above === null || above === Object.prototype || above === Function.prototype) return;
  for (const [key, { value: member }] of Object.entries(Object.getOwnPropertyDescriptors(above))) {
    if (key !== "constructor" && typeof member === "function") yield [key, member];
  }
  yield* inheritedMethods(above);
}

const asyncGeneratorFunction = Object.getPrototypeOf(async function* () {});

function isStream(run: object): boolean {
  return Reflect.get(run, streamBrand) === true || Object.getPrototypeOf(run) === asyncGeneratorFunction;
}

/** Handler and method become parts of headers, of registry records and of gRPC paths. */
function isName(text: string): boolean {
  return /^[A-Za-z_][\w-]*$/.test(text);
}

function problem(what: string, cure: string): MicroError {
  return badRequest("go.micro.server", `${what}. ${cure}.`);
}
