import { badRequest } from "ts-micro";
import { brokerErrorId } from "ts-micro/broker";

/** One server, and what its address says about how to log in. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
}

/** MQTT's own schemes, and those of go-micro's plugin. */
const schemes = new Map([
  ["mqtt", false],
  ["tcp", false],
  ["mqtts", true],
  ["ssl", true],
]);

/**
 * Reads `host`, `host:port` or a URL. The port is 1883, with TLS 8883, unless given.
 *
 * @param secure whether addresses without a scheme mean TLS
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string, secure: boolean): ServerAddress {
  const address = text.trim();
  const shown = JSON.stringify(address.replace(/^([a-z]*:\/\/)?.*@/s, "$1…@"));
  const [, scheme = "mqtt"] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address) ?? [];
  const secureScheme = schemes.get(scheme.toLowerCase());
  if (secureScheme === undefined) throw malformed(shown, `its scheme is ${scheme}:`);
  const url = parse(`mqtt://${address.replace(/^[^/@]*:\/\//, "")}`);
  if (url === undefined || url.hostname === "" || !["", "/"].includes(url.pathname)) {
    throw malformed(shown, "it is no host and port");
  }
  const tls = secure || secureScheme;
  const port = url.port === "" ? (tls ? 8883 : 1883) : Number(url.port);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port,
    hostPort: `${url.hostname}:${port}`,
    secure: tls,
    ...(url.username !== "" && {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    }),
  };
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text);
    // Malformed escapes are found here, so that no error shows them.
    decodeURIComponent(url.username + url.password);
    return url;
  } catch {
    return undefined;
  }
}

function malformed(shown: string, why: string) {
  return badRequest(
    brokerErrorId,
    `MQTT address ${shown}: ${why}; write host:port or mqtt://user:password@host:port`,
  );
}
