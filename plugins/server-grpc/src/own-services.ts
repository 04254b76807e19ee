import { setMaxListeners } from "node:events";
import { type Handler, newRouter, type Route, type WireHost } from "ts-micro/server";
import { type Described, describe } from "./described.ts";
import { newHealth } from "./health.ts";
import { findJsonRoute, isJsonService } from "./json-service.ts";
import { newReflection } from "./reflection.ts";

export interface OwnServiceOptions {
  /** Answer `grpc.health.v1.Health`. @default true */
  health?: boolean;
  /**
   * Tell gRPC tools what can be called, by server reflection v1 and v1alpha, and serve handlers without a schema
   * as `json.<Handler>` for them.
   * @default true
   */
  reflection?: boolean;
}

/**
 * The services that a gRPC server has by itself. They are found by their whole names only, so that a handler may
 * be called `Health`; a handler that was made from the same schema comes before them.
 */
export interface OwnServices {
  /** Undefined when the service is none of these. */
  find(service: string, method: string): Route | "no-method" | undefined;
  /** Ends the streams that would go on as long as the server does. */
  close(): void;
}

export function newOwnServices(
  host: WireHost,
  { health, reflection }: Required<OwnServiceOptions>,
): OwnServices {
  const closing = new AbortController();
  // Any number of streams may be open.
  setMaxListeners(0, closing.signal);
  const router = newRouter(host.settings);
  const handlers = new Map<string, Handler>();

  if (health) add(newHealth(host, closing.signal));
  if (reflection) for (const handler of newReflection(described, closing.signal)) add(handler);

  return {
    find(service, method) {
      const json = reflection && isJsonService(service);
      if ((!json && !handlers.has(service)) || usersOwn(service)) return undefined;
      if (json) return findJsonRoute(host.router, service, method);
      const route = router.findIn(service, method);
      return route === "no-service" ? undefined : route;
    },
    close: () => closing.abort(),
  };

  function described(): Described {
    const users = host.router.handlers().filter(({ internal }) => !internal);
    const ours = [...handlers].filter(([name]) => !usersOwn(name)).map(([, handler]) => handler);
    return describe([...users, ...ours]);
  }

  function usersOwn(service: string): boolean {
    return host.router.handlers().some(({ schema }) => schema?.typeName === service);
  }

  /** Under its whole name, in the router and for wrappers. */
  function add(handler: Handler): void {
    const name = handler.schema?.typeName ?? handler.name;
    const endpoints = handler.endpoints.map((endpoint) => ({
      ...endpoint,
      name: name + endpoint.name.slice(endpoint.name.lastIndexOf(".")),
    }));
    handlers.set(name, handler);
    router.add({ ...handler, name, endpoints });
  }
}
