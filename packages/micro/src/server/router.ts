import type { MessageType } from "../codec/codec.ts";
import type { Context } from "../context.ts";
import { badRequest, conflict, internalServerError, MicroError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Endpoint } from "../registry/registry.ts";
import { newDebugHandler } from "./debug.ts";
import { isHandler } from "./handler.ts";
import type { EndpointHandler, Handler, HandlerFunction, HandlerWrapper, ServerRequest } from "./server.ts";
import { textOf } from "./thrown.ts";

/**
 * The endpoints of one server: adds them, finds them, lists them, and turns what they throw into answers.
 *
 * A server of any protocol is built on it. Each router answers `Debug.Health` and `Debug.Stats` by itself.
 */
export interface Router {
  /** Calls since the router was made, those that found no endpoint included. */
  readonly stats: { requests: number; errors: number };
  /**
   * Takes effect at once, or when the handler is ready.
   * @throws MicroError 409 when a handler of that name is there, 400 when it was not made by `newHandler`.
   */
  add(handler: Handler): void;
  /**
   * Resolves when all handlers that were added so far are served.
   * @throws what makes it impossible for one of them
   */
  ready(): Promise<void>;
  /**
   * The endpoint of that name, `Type.Method`.
   * @throws MicroError without id and code: go-micro sends these as plain texts.
   */
  find(endpoint: string): Route;
  /**
   * The endpoint of a service that may be named with its protobuf package, as in gRPC and bRPC: the handler
   * whose schema has exactly that name, else the one named like the last part, which is go-micro's rule. Tells
   * what is missing when there is none.
   */
  findIn(service: string, method: string): Route | "no-service" | "no-method";
  /**
   * What the caller is told about a thrown value: a MicroError whole, anything else as 500 with the
   * service's name as its id. The latter is logged, for it is a fault in the handler. Never throws.
   */
  failure(thrown: unknown, endpoint: string): MicroError;
  /** Everything that was added, internal ones too. */
  handlers(): readonly Handler[];
  /** For the registry: without the internal ones, in go-micro's order. */
  endpoints(): Endpoint[];
}

/** One endpoint with its wrappers around it. */
export interface Route {
  readonly name: string;
  readonly streaming: boolean;
  readonly requestType: MessageType | undefined;
  readonly responseType: MessageType | undefined;
  /** Gives what the handler gives: a value or a promise, or throws. */
  invoke(request: ServerRequest, context: Context): unknown;
}

export interface RouterOptions {
  /** The service's name, which becomes the id of errors. */
  name: string;
  logger: Logger;
  wrapHandler?: readonly HandlerWrapper[];
}

export function newRouter(options: RouterOptions): Router {
  const { name, logger, wrapHandler = [] } = options;
  const handlers = new Map<string, Handler>();
  /** The handlers that have a schema, by its name. */
  const schemas = new Map<string, Handler>();
  const routes = new Map<string, Route>();
  /** Handlers that can't be served yet. */
  const waiting = new Map<Handler, Promise<void>>();
  const stats = { requests: 0, errors: 0 };

  const router: Router = {
    stats,

    add(handler) {
      if (!isHandler(handler)) {
        throw badRequest(
          "go.micro.server",
          "this is not a handler. Make one: newHandler(name, { Method: function })",
        );
      }
      if (handlers.has(handler.name)) {
        throw conflict(
          "go.micro.server",
          `rpc.Handle: service already defined: ${handler.name}. Give the second handler another name`,
        );
      }
      handlers.set(handler.name, handler);
      if (handler.schema !== undefined) schemas.set(handler.schema.typeName, handler);
      if (handler.ready === undefined) serve(handler);
      else
        waiting.set(
          handler,
          handler.ready.then(() => serve(handler)),
        );
    },

    async ready() {
      await Promise.all(waiting.values());
    },

    find(endpoint) {
      stats.requests++;
      const route = routes.get(endpoint);
      if (route === undefined) throw notRoutable(endpoint, handlers);
      return route;
    },

    findIn(service, method) {
      stats.requests++;
      const handler = schemas.get(service) ?? handlers.get(service.slice(service.lastIndexOf(".") + 1));
      if (handler === undefined) return "no-service";
      return routes.get(`${handler.name}.${method}`) ?? "no-method";
    },

    failure(thrown, endpoint) {
      stats.errors++;
      const known = microErrorIn(thrown);
      if (known !== undefined) {
        if (known.reason === "encode-failed") logger.error(known.detail, { endpoint });
        return known;
      }
      const text = textOf(thrown);
      logger.error(`handler failed: ${text}`, {
        endpoint,
        stack: thrown instanceof Error ? thrown.stack : undefined,
      });
      return internalServerError(name, text, { cause: thrown });
    },

    handlers: () => [...handlers.values()],

    endpoints() {
      return [...handlers.values()]
        .filter((handler) => !handler.internal && !waiting.has(handler))
        .sort((a, b) => compare(a.name, b.name))
        .flatMap((handler) => [...handler.endpoints].sort((a, b) => compare(a.name, b.name)))
        .map(
          ({ name, request = null, response = null, streaming, metadata }): Endpoint => ({
            name,
            request,
            response,
            metadata: { ...metadata, ...(streaming && { stream: "true" }) },
          }),
        );
    },
  };
  router.add(newDebugHandler(stats));
  return router;

  function serve(handler: Handler): void {
    waiting.delete(handler);
    for (const endpoint of handler.endpoints) routes.set(endpoint.name, routeOf(endpoint, wrapHandler));
  }
}

/** Puts wrappers around a function, the first outermost. Done once, not per call. */
export function wrap<F>(wrappers: readonly ((next: F) => F)[], innermost: F): F {
  return wrappers.reduceRight((next, wrapper) => wrapper(next), innermost);
}

function routeOf(endpoint: EndpointHandler, wrappers: readonly HandlerWrapper[]): Route {
  const run = endpoint.run as (body: unknown, context: Context) => unknown;
  const innermost: HandlerFunction = (request, context) => run(request.body, context);
  return {
    name: endpoint.name,
    streaming: endpoint.streaming,
    requestType: endpoint.requestType,
    responseType: endpoint.responseType,
    invoke: wrap(wrappers, innermost),
  };
}

/** The texts of go-micro's `server/rpc_router.go`. */
function notRoutable(endpoint: string, handlers: ReadonlyMap<string, Handler>): MicroError {
  const [type = "", method = "", ...more] = endpoint.split(".");
  if (type === "" || method === "" || more.length > 0) {
    return new MicroError({ detail: `rpc: service/endpoint request ill-formed: ${endpoint}` });
  }
  return new MicroError({
    detail: handlers.has(type) ? `rpc: can't find method ${method}` : `rpc: can't find service ${type}`,
  });
}

/** The MicroError that was thrown, or that is the reason why something was aborted. */
function microErrorIn(thrown: unknown): MicroError | undefined {
  if (MicroError.is(thrown)) return thrown;
  const aborted = thrown instanceof Error && thrown.name === "AbortError";
  return aborted && MicroError.is(thrown.cause) ? thrown.cause : undefined;
}

/** Byte order, as Go sorts. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
