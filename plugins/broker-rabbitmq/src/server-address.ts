import { badRequest } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";

/** One node, and what its address says about how to log in. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly vhost?: string;
}

/**
 * Reads `host`, `host:port` or a URL with the scheme `amqp:` or `amqps:`. The port is 5672, with TLS 5671, unless given.
 *
 * @param secure whether addresses without a scheme mean TLS
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string, secure: boolean): ServerAddress {
  const address = text.trim();
  const shown = JSON.stringify(address.replace(/^([a-z]*:\/\/)?.*@/s, "$1…@"));
  const [, scheme = "amqp"] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address) ?? [];
  if (!["amqp", "amqps"].includes(scheme.toLowerCase())) throw malformed(shown, `its scheme is ${scheme}:`);
  const url = parse(`amqp://${address.replace(/^[^/@]*:\/\//, "")}`);
  if (url === undefined || url.hostname === "" || /.\//.test(url.pathname.slice(1))) {
    throw malformed(shown, "it is no host and port");
  }
  const tls = secure || scheme.toLowerCase() === "amqps";
  const port = url.port === "" ? (tls ? 5671 : 5672) : Number(url.port);
  const vhost = decodeURIComponent(url.pathname.slice(1));
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    hostPort: `${url.hostname}:${port}`,
    secure: tls,
    ...(url.username !== "" && {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    }),
    ...(vhost !== "" && { vhost }),
  };
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text);
    // Malformed escapes are found here, so that no error shows them.
    decodeURIComponent(url.username + url.password + url.pathname);
    return url;
  } catch {
    return undefined;
  }
}

function malformed(shown: string, why: string) {
  return badRequest(
    brokerErrorId,
    `RabbitMQ address ${shown}: ${why}; write host:port or amqp://user:password@host:port/vhost`,
  );
}
