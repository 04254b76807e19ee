import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { parseAddress } from "../address.ts";
import { badRequest, MicroError, serviceUnavailable } from "../errors.ts";
import { fittingNodeId, instanceName } from "./mdns-names.ts";
import { answerBytes, encodeText, type Instance } from "./mdns-wire.ts";
import { withNodes } from "./record.ts";
import type { Node, Service } from "./registry.ts";

/** The longest datagram there is (IPv4, 65_535 less the headers). */
const maxDatagramBytes = 65_507;

export interface Origin {
  /** The last part of all names. */
  domain: string;
  /** This machine's. */
  hostname: string;
}

/**
 * What is announced of one node of a service.
 * @throws MicroError 400, when the node can't be carried; 503, when its host has no address.
 */
export async function instanceFor(
  service: Service,
  node: Node,
  { domain, hostname }: Origin,
): Promise<Instance> {
  const record = withNodes(service, [node]);
  const { host, port } = parseAddress(node.address);
  if (port === undefined || port === 0) {
    throw badRequest(
      "go.micro.registry",
      `node ${node.id} at "${node.address}": mDNS needs a port; give host:port, or choose another registry, ` +
        "such as MICRO_REGISTRY=nats with MICRO_TRANSPORT=nats",
    );
  }
  const id = fittingNodeId(node.id, record.name, domain);
  const place = {
    name: instanceName(id, record.name, domain),
    hostname,
    host: await literal(host, node),
    port,
  };
  const instance: Instance = { ...place, text: encodeText(record) };
  const bytes = answerBytes(instance, record.name, domain);
  if (bytes <= maxDatagramBytes) return instance;
  const detail = `node ${node.id}: its record has ${bytes} bytes, a datagram carries ${maxDatagramBytes}; register fewer endpoints, or use another registry`;
  throw new MicroError({ id: "go.micro.registry", code: 400, detail, reason: "too-large" });
}

/** mDNS carries addresses, so a host name is looked up here. go-micro fails. */
async function literal(host: string, node: Node): Promise<string> {
  if (isIP(host) !== 0 && !host.includes("%")) return host;
  try {
    if (isIP(host) === 0) return (await lookup(host, { order: "ipv4first" })).address;
  } catch (cause) {
    // DNS may only be down, or the name come later.
    const detail = `node ${node.id}: host "${host}" has no address`;
    throw serviceUnavailable("go.micro.registry", detail, { cause });
  }
  throw badRequest(
    "go.micro.registry",
    `node ${node.id}: ${host} is an address of one link only, which mDNS can't carry; set --server_advertise`,
  );
}
