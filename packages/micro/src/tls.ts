/**
 * TLS for transports: from our options to those of `node:tls`, and from its errors to sentences with a cure.
 *
 * Certificates are verified unless `insecureSkipVerify` says otherwise, and none is made up: go-micro v2.9.1
 * verifies nothing and listens with a certificate of its own making.
 */
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import type {
  CommonConnectionOptions,
  ConnectionOptions,
  SecureContextOptions,
  TlsOptions as ServerOptions,
  TLSSocket,
} from "node:tls";
import { MicroError } from "./errors.ts";
import type { PartOptions, TlsOptions } from "./parts.ts";

/** Node's part for TLS, loaded when it is first used: that takes longer than all of a plain connection. */
export function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}

export function isTlsSocket(socket: Duplex): socket is TLSSocket {
  return "encrypted" in socket;
}

/** The TLS options in force, `undefined` for plain TCP. */
export function tlsOf(options: Pick<PartOptions, "secure" | "tls">): TlsOptions | undefined {
  return options.tls ?? (options.secure === true ? {} : undefined);
}

/**
 * What `node:tls`, and libraries that hand it on, take for one connection.
 * @param host the host that was dialled, which the certificate must name unless `serverName` is given.
 */
export function clientTls(tls: TlsOptions, host: string, alpn: readonly string[] = []): ConnectionOptions {
  const serverName = tls.serverName ?? host;
  return {
    ...secureContext(tls, alpn),
    host,
    // An IP address may not be sent as a server name (RFC 6066 §3); it is compared all the same.
    ...(isIP(serverName) === 0 && { servername: serverName }),
    rejectUnauthorized: tls.insecureSkipVerify !== true,
  };
}

/** @throws MicroError 500 when there is no certificate to listen with, or none that is any good. */
export function serverTls(tls: TlsOptions, address: string, alpn: readonly string[]): ServerOptions {
  if (tls.cert === undefined || tls.key === undefined) {
    const missing = tls.cert === undefined ? "certificate" : "key";
    throw cannotListen(address, `no ${missing}; give tls: { cert, key } as PEM`);
  }
  const context = secureContext(tls, alpn);
  try {
    nodeTls().createSecureContext(context);
  } catch (cause) {
    throw cannotListen(address, `the certificate or key is invalid: ${(cause as Error).message}`, cause);
  }
  const demand = tls.requireClientCert === true;
  return { ...context, requestCert: demand, rejectUnauthorized: demand };
}

function cannotListen(address: string, why: string, cause?: unknown): MicroError {
  const detail = `can't listen on ${address} with TLS: ${why}`;
  return new MicroError({ id: "go.micro.transport", code: 500, detail, cause });
}

const noTls = "it does not speak TLS; dial it without `secure`";

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
    case "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED":
    case "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN":
      return "it does not trust our client certificate; give one that its authority has signed";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return noTls;
    case "EPROTO":
      // How the same failure looks when something was to be written already.
      return /wrong version number|packet length too long/.test(error.message) ? noTls : undefined;
    default:
      return String(error.code ?? "").startsWith("ERR_SSL_") ? `TLS failed (${error.message})` : undefined;
  }
}

/**
 * True when the peer has ended the handshake: it has read nothing of what was sent. In TLS 1.3 a client hears of it
 * only after it could begin to send.
 */
export function refusesHandshake(error: NodeJS.ErrnoException): boolean {
  return /^ERR_SSL_\w+_ALERT_(\w*CERTIFICATE\w*|UNKNOWN_CA|HANDSHAKE_FAILURE)$/.test(error.code ?? "");
}

/**
 * Why a TLS connection may have been closed before a byte came back. Node's servers close it in silence when they
 * don't trust the client's certificate; they have read nothing then, but a server that crashed looks the same.
 */
export const closedInSilence =
  "closed before anything was answered; if it demands a client certificate, give one that its authority has signed as tls.cert and tls.key";

function secureContext(
  tls: TlsOptions,
  alpn: readonly string[],
): SecureContextOptions & CommonConnectionOptions {
  const { ca, cert, key } = tls;
  return {
    minVersion: "TLSv1.2",
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    ...(ca !== undefined && { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
