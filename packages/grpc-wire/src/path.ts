import { badRequest } from "ts-micro";
import { GrpcError, statusCode } from "./status.ts";

/** `:path` of a call, in its two parts. */
export interface MethodName {
  /** With everything before its last dot: `helloworld.Greeter`, `go.micro.srv.greeter.Greeter`. */
  readonly service: string;
  readonly method: string;
}

/**
 * The path of a call (go-micro `client/grpc/request.go`): an endpoint that begins with `/` is one already; one with
 * its protobuf package is named by that; otherwise go-micro puts the name of the service in the registry there.
 * @throws MicroError 400 for an endpoint that is neither `Type.Method` nor a path
 */
export function pathOf(request: { service: string; endpoint: string; package?: string }): string {
  const { service, endpoint, package: protobufPackage } = request;
  if (endpoint.startsWith("/")) return endpoint;
  const [type = "", method = "", ...more] = endpoint.split(".");
  if (type === "" || method === "" || more.length > 0) {
    throw badRequest(
      "go.micro.client",
      `endpoint ${JSON.stringify(endpoint)} of ${service}: write Type.Method, or /package.Type/Method`,
    );
  }
  const prefix = protobufPackage ?? service;
  return prefix === "" ? `/${type}/${method}` : `/${prefix}.${type}/${method}`;
}

/** @throws GrpcError as go-micro's server and grpc-go say it */
export function parsePath(path: string): MethodName {
  const [before, service = "", method, ...more] = path.split("/");
  if (before !== "" || method === undefined) throw malformedName(path, statusCode.unimplemented);
  if (service === "" || method === "" || more.length > 0)
    throw malformedName(path, statusCode.invalidArgument);
  return { service, method };
}

export function malformedName(path: string, code: number): GrpcError {
  return new GrpcError({ code, message: `malformed method name: ${JSON.stringify(path)}` });
}
