import { serviceUnavailable } from "../errors.ts";
import type { Filter } from "../selector/selector.ts";

/** Keeps the nodes that speak one of `protocols`; a node that names none is from before there was a choice, and speaks mucp. */
export function filterProtocol(protocols: readonly string[]): Filter {
  return (services) => {
    const spoken = services
      .map((service) => ({
        ...service,
        nodes: service.nodes.filter(({ metadata }) => protocols.includes(metadata.protocol || "mucp")),
      }))
      .filter((service) => service.nodes.length > 0);
    if (spoken.length > 0 || services.length === 0) return spoken;
    const detail = `no node of ${services[0]?.name} speaks ${protocols.join(" or ")}`;
    throw serviceUnavailable("go.micro.client", detail, { reason: "protocol-not-spoken" });
  };
}
