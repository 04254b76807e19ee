import { GrpcError, type MethodName, statusCode } from "@ts-micro/grpc-wire";
import type { Route, Router } from "ts-micro/server";
import type { OwnServices } from "./own-services.ts";

/**
 * The endpoint that a path names. Services of the server's own (health, reflection) are found by their full names only,
 * so that they take no handler's name from the user; then the user's, by full name or by go-micro's last part.
 * @throws GrpcError 12 with go-micro's texts
 */
export function findRoute({ service, method }: MethodName, router: Router, own: OwnServices): Route {
  const route = own.find(service, method) ?? router.findIn(service, method);
  if (typeof route === "object") return route;
  const type = service.slice(service.lastIndexOf(".") + 1);
  const name = route === "no-service" ? type : `${type}.${method}`;
  throw new GrpcError({ code: statusCode.unimplemented, message: `unknown service ${name}` });
}
