/** Records of the registry, as messages. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Endpoint, Service, Value } from "ts-micro/registry";
import type {
  Endpoint as EndpointMessage,
  Service as ServiceMessage,
  ServiceSchema,
  Value as ValueMessage,
} from "./gen/registry_pb.ts";

type ServiceInit = MessageInitShape<typeof ServiceSchema>;

/** @param ttlMs rounded up to whole seconds; none when it is left out */
export function toMessage(service: Service, ttlMs = 0): ServiceInit {
  const { name, version, metadata, endpoints, nodes } = service;
  return {
    name,
    version,
    metadata,
    endpoints: endpoints.map(({ request, response, ...endpoint }) => ({
      ...endpoint,
      ...(request !== null && { request }),
      ...(response !== null && { response }),
    })),
    nodes,
    // Go's service reads it without looking whether it is there.
    options: { ttl: BigInt(Math.ceil(ttlMs / 1_000)) },
  };
}

export function fromMessage(message: ServiceMessage): Service {
  return {
    name: message.name,
    version: message.version,
    metadata: { ...message.metadata },
    endpoints: message.endpoints.map(endpoint),
    nodes: message.nodes.map(({ id, address, metadata }) => ({ id, address, metadata: { ...metadata } })),
  };
}

function endpoint({ name, request, response, metadata }: EndpointMessage): Endpoint {
  return { name, request: tree(request), response: tree(response), metadata: { ...metadata } };
}

/** Go's registry in memory makes an empty one of none. */
function tree(message: ValueMessage | undefined): Value | null {
  if (message === undefined || (message.name === "" && message.type === "")) return null;
  return value(message);
}

function value({ name, type, values }: ValueMessage): Value {
  return { name, type, values: values.map(value) };
}
