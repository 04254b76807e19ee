import { badRequest } from "ts-micro";

/** One server, and what its address says about how to log in. */
export interface ServerAddress {
  readonly host: string;
  /** `host:port`: what errors and logs may show. */
  readonly hostPort: string;
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

/**
 * Reads `host`, `host:port` or a URL with the scheme `nats:` or `tls:`. The port is 4222 unless given.
 * @param errorId the `id` of the error
 * @throws MicroError 400 that names the address, without its credentials
 */
export function parseServerAddress(text: string, errorId: string): ServerAddress {
  const address = text.trim();
  const shown = JSON.stringify(address.replace(/^([a-z]*:\/\/)?.*@/s, "$1…@"));
  const [, scheme = "nats"] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(address) ?? [];
  if (!["nats", "tls"].includes(scheme.toLowerCase())) {
    throw malformed(errorId, shown, `its scheme is ${scheme}:`);
  }
  const url = parse(`nats://${address.replace(/^[^/@]*:\/\//, "")}`);
  if (url === undefined || url.hostname === "" || !["", "/"].includes(url.pathname)) {
    throw malformed(errorId, shown, "it is no host and port");
  }
  const user = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    hostPort: `${url.hostname}:${url.port === "" ? 4222 : url.port}`,
    secure: scheme.toLowerCase() === "tls",
    ...(user !== "" && (url.password === "" ? { token: user } : { user, password })),
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

function malformed(errorId: string, shown: string, why: string) {
  return badRequest(
    errorId,
    `NATS address ${shown}: ${why}; write host:port or nats://user:password@host:port`,
  );
}
