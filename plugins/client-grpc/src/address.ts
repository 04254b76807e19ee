import type { TlsOptions } from "ts-micro";

/**
 * Where to connect for an address, and whether by TLS: as go-micro's client, an address without a port, or with 443,
 * is one of the public web, and so is what begins with `https://` (`client/grpc/grpc.go`).
 */
export function dialled(
  address: string,
  tls: TlsOptions | undefined,
): { address: string; authority: string; tls: TlsOptions | undefined } {
  const authority = address.replace(/^https?:\/\//, "");
  const port = /(?:^|[^:\]]):(\d+)$|\]:(\d+)$/.exec(authority);
  const isWeb = port === null || /:443$/.test(authority) || address.startsWith("https://");
  return {
    address: port === null ? `${authority}:443` : authority,
    authority,
    tls: tls ?? (isWeb ? {} : undefined),
  };
}
