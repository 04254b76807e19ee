import { badRequest } from "ts-micro";

/**
 * How bRPC names an endpoint. `Type.Method` is the service `Type`, or `<package>.Type` when the call names the
 * package; one with more dots names the service in full: `example.EchoService.Echo`.
 * @throws MicroError 400 for an endpoint without a dot
 */
export function methodOf(endpoint: string, packageName = ""): { service: string; method: string } {
  const dot = endpoint.lastIndexOf(".");
  if (dot <= 0) throw badRequest("brpc", `the endpoint ${endpoint} names no method; write it as Type.Method`);
  const type = endpoint.slice(0, dot);
  const service = packageName === "" || type.includes(".") ? type : `${packageName}.${type}`;
  return { service, method: endpoint.slice(dot + 1) };
}
