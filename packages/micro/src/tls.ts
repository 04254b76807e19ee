/**
 * TLS for transports: from our options to those of `node:tls`, and from its errors to sentences with a cure.
 *
 * Certificates are verified unless `insecureSkipVerify` says otherwise, and none is made up: go-micro v2.9.1
 * verifies nothing and listens with a certificate of its own making.
 */
import { isIP } from "node:net";
import type {
  CommonConnectionOptions,
  ConnectionOptions,
  SecureContextOptions,
  TlsOptions as ServerOptions,
} from "node:tls";
import { MicroError } from "./errors.ts";
import type { PartOptions, TlsOptions } from "./parts.ts";

/** The TLS options in force, `undefined` for plain TCP. */
export function tlsOf(options: Pick<PartOptions, "secure" | "tls">): TlsOptions | undefined {
  return options.tls ?? (options.secure === true ? {} : undefined);
}

/** @param host the host that was dialled, which the certificate must name unless `serverName` is given. */
export function clientTls(tls: TlsOptions, host: string, alpn: readonly string[]): ConnectionOptions {
  const serverName = tls.serverName ?? host;
  return {
    ...secureContext(tls, alpn),
    host,
    // An IP address may not be sent as a server name (RFC 6066 §3); it is compared all the same.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    rejectUnauthorized: tls.insecureSkipVerify !== true,
  };
}

/** @throws MicroError 500 when there is no certificate to listen with. */
export function serverTls(tls: TlsOptions, address: string, alpn: readonly string[]): ServerOptions {
  if (tls.cert === undefined || tls.key === undefined) {
    const missing = tls.cert === undefined ? "certificate" : "key";
    throw new MicroError({
      id: "go.micro.transport",
      code: 500,
      detail: `can't listen on ${address} with TLS: no ${missing}; give tls: { cert, key } as PEM`,
    });
  }
  const demand = tls.requireClientCert === true;
  return { ...secureContext(tls, alpn), requestCert: demand, rejectUnauthorized: demand };
}

/** What a TLS failure means and what to do about it; `undefined` for an error of another kind. */
export function tlsProblem(error: NodeJS.ErrnoException): string | undefined {
  switch (error.code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return "its certificate is not signed by a trusted authority; give the authority as tls.ca";
    case "CERT_HAS_EXPIRED":
      return "its certificate has expired; renew it";
    case "CERT_NOT_YET_VALID":
      return "its certificate is not valid yet; check the clocks";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `its certificate names another host (${error.message}); give the right name as tls.serverName`;
    case "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED":
    case "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE":
      return "it demands a client certificate; give tls.cert and tls.key";
    case "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA":
    case "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE":
      return "it does not trust our client certificate; give one that its authority has signed";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "it does not speak TLS; dial it without `secure`";
    default:
      return error.code?.startsWith("ERR_SSL_") === true ? `TLS failed (${error.message})` : undefined;
  }
}

function secureContext(
  tls: TlsOptions,
  alpn: readonly string[],
): SecureContextOptions & CommonConnectionOptions {
  const { ca, cert, key } = tls;
  return {
    minVersion: "TLSv1.2",
    ALPNProtocols: [...alpn],
    ...(ca !== undefined && { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
