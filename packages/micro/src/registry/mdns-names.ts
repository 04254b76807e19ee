/**
 * DNS names of go-micro's mDNS registry (`registry/mdns_registry.go`, `util/mdns/zone.go`), without the last dot:
 *
 *     greeter.micro                  the service
 *     greeter-5f1e6d0c.greeter.micro a node of it: the instance
 *     _services.micro                the question for all services
 */
import { createHash } from "node:crypto";
import { badRequest } from "../errors.ts";

/** RFC 1035 §2.3.4, in bytes. The length of a name counts one byte per label and one for the root. */
const maxLabelBytes = 63;
const maxNameBytes = 255;

/** Hexadecimal digits of a hash that stand for what was cut off. */
const hashDigits = 16;

export function serviceName(service: string, domain: string): string {
  return `${service}.${domain}`;
}

export function instanceName(id: string, service: string, domain: string): string {
  return `${id}.${service}.${domain}`;
}

/** The name whose answers list all services. */
export function catalogName(domain: string): string {
  return `_services.${domain}`;
}

/** DNS-SD's own name for the same question (RFC 6763 §9). */
export function typeCatalogName(domain: string): string {
  return `_services._dns-sd._udp.${domain}`;
}

/** The part of `name` before `.suffix`; `undefined` when it doesn't end so. */
export function before(name: string, suffix: string): string | undefined {
  return name.length > suffix.length + 1 && name.endsWith(`.${suffix}`)
    ? name.slice(0, -suffix.length - 1)
    : undefined;
}

/** @throws MicroError 400 naming the part that doesn't fit, and the limit. go-micro only logs it. */
export function checkServiceName(service: string, domain: string): void {
  for (const label of service.split(".")) {
    const bytes = Buffer.byteLength(label);
    if (bytes === 0) throw unfit(service, "it has an empty part beside a dot");
    if (bytes > maxLabelBytes) {
      throw unfit(service, `its part "${label}" has ${bytes} bytes, the limit is ${maxLabelBytes}`);
    }
  }
  // The longest names made of it: the catalog's, and that of a node whose id is but a hash.
  const longest = [
    instanceName("x".repeat(hashDigits), service, domain),
    `${service}.${catalogName(domain)}`,
  ];
  const bytes = Math.max(...longest.map(nameBytes));
  if (bytes > maxNameBytes) {
    throw unfit(service, `with node id and domain it has ${bytes} bytes, the limit is ${maxNameBytes}`);
  }
}

/**
 * The id under which a node travels: its own, unless a part of it is too long for a DNS label. Then that part
 * is cut and ends in a hash of the whole id, so that the same id always gives the same result. (go-micro
 * fails with a log line, for the default id as soon as the service's last name part has more than 26 bytes.)
 */
export function fittingNodeId(id: string, service: string, domain: string): string {
  const hash = createHash("sha256").update(id).digest("hex").slice(0, hashDigits);
  const labels = id.split(".").map((label) => {
    if (Buffer.byteLength(label) <= maxLabelBytes) return label;
    return `${firstBytes(label, maxLabelBytes - hashDigits - 1)}-${hash}`;
  });
  const fitted = labels.join(".");
  const fits = !labels.includes("") && nameBytes(instanceName(fitted, service, domain)) <= maxNameBytes;
  return fits ? fitted : hash;
}

/** True for a name that DNS can carry. */
export function isName(name: string): boolean {
  const sizes = name.split(".").map((label) => Buffer.byteLength(label));
  return sizes.every((size) => size > 0 && size <= maxLabelBytes) && nameBytes(name) <= maxNameBytes;
}

function nameBytes(name: string): number {
  return Buffer.byteLength(name) + 2;
}

/** As much of the text as fits, without half a character at the end. */
function firstBytes(text: string, limit: number): string {
  let size = 0;
  let result = "";
  for (const character of text) {
    size += Buffer.byteLength(character);
    if (size > limit) break;
    result += character;
  }
  return result;
}

function unfit(service: string, why: string) {
  return badRequest(
    "go.micro.registry",
    `service ${service} can't be registered by mDNS: ${why}; choose another name or another registry`,
  );
}
