import { MicroError } from "../errors.ts";
import type { Node, Service } from "../registry/registry.ts";
import { pure } from "./narrow.ts";
import type { Filter } from "./selector.ts";

/** Only this version of the service. */
export function filterVersion(version: string): Filter {
  return pure((services) => services.filter((service) => service.version === version));
}

/** Only versions that have this endpoint. */
export function filterEndpoint(name: string): Filter {
  return pure((services) =>
    services.filter((service) => service.endpoints.some((endpoint) => endpoint.name === name)),
  );
}

/** Only nodes that carry this metadata. */
export function filterLabel(key: string, value: string): Filter {
  return pure((services) => keepNodes(services, (node) => node.metadata[key] === value));
}

/** Metadata `protocol` of a node whose address is all that is known: every client may try. */
export const anyProtocol = "*";

/**
 * Only nodes that speak one of these protocols; a node that doesn't say is mucp of old (`client/rpc_codec.go`).
 *
 * When there are nodes and none is left, the filter throws MicroError 500 `protocol-not-spoken`, which names the
 * protocols found and the `--client` for them. (go-micro dials such a node and fails on the wire.)
 */
export function filterProtocol(protocols: readonly string[]): Filter {
  const spoken = new Set([...protocols, anyProtocol]);
  return pure((services) => {
    const left = keepNodes(services, (node) => protocolsOf(node).some((protocol) => spoken.has(protocol)));
    const [service] = services;
    if (left.length === 0 && service !== undefined) throw notSpoken(service.name, services, protocols);
    return left;
  });
}

function keepNodes(services: readonly Service[], keep: (node: Node) => boolean): readonly Service[] {
  return services
    .map((service) => ({ ...service, nodes: service.nodes.filter(keep) }))
    .filter((service) => service.nodes.length > 0);
}

/**
 * The protocols that a node speaks, the first the one that go-micro knows of: its metadata `protocols`, with
 * commas, where several share a port, else `protocol`.
 */
export function protocolsOf(node: Node): readonly string[] {
  const known = protocolsOfNodes.get(node);
  if (known !== undefined) return known;
  const { protocol, protocols } = node.metadata;
  const found = protocols ? protocols.split(",") : [protocol || "mucp"];
  protocolsOfNodes.set(node, found);
  return found;
}

/** A client asks for each call. */
const protocolsOfNodes = new WeakMap<Node, readonly string[]>();

/** A protocol has the name of the client that speaks it, except for the second one of the client mucp. */
function clientOf(protocol: string): string {
  return protocol === "mux" ? "mucp" : protocol;
}

function notSpoken(name: string, services: readonly Service[], protocols: readonly string[]): MicroError {
  const found = [...new Set(services.flatMap(({ nodes }) => nodes.flatMap(protocolsOf)))].sort();
  const cure = [...new Set(found.map(clientOf))].map((client) => `--client=${client}`).join(" or ");
  return new MicroError({
    id: "go.micro.client",
    code: 500,
    detail: `service ${name} speaks ${found.join(" and ")}, this client only ${protocols.join(" and ")}: choose ${cure}`,
    reason: "protocol-not-spoken",
  });
}
