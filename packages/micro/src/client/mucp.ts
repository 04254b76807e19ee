import { newMetadata } from "../metadata.ts";
import type { Transport } from "../transport/transport.ts";
import type { WireAttempt } from "./attempt.ts";
import type { Client, ClientOptions } from "./client.ts";
import { type ClientHost, type ClientWire, newClientOver } from "./client-over.ts";
import { muxClientWire } from "./mux.ts";
import { Pool } from "./pool.ts";
import { openStream } from "./stream.ts";
import { checkRequest, formatFor, readAnswer, writeHeader } from "./wire.ts";

/** What mucp's calls and streams of one client share. */
export interface Mucp extends Pick<ClientHost, "settings" | "path"> {
  readonly pool: Pool;
  /** Asked for each attempt. */
  transport(): Transport;
  /** The next `Micro-Id`: a number, one higher for each call, stream and retry. */
  nextId(): string;
}

export interface MucpClientOptions extends ClientOptions {
  /** Speak mux with nodes that speak it too, which are ts-micro's own. @default true */
  mux?: boolean;
}

/**
 * go-micro's own client (`client/rpc_client.go`): mucp over whatever transport the service has. With our own
 * servers the same travels on one connection to each (docs/protocol-mux.md).
 *
 * The proxy variables of go-micro (`MICRO_PROXY`, `MICRO_NETWORK`) are not read here; `addresses` of a call
 * does what they do.
 * @throws TypeError for an option out of range
 */
export function newClient(options: MucpClientOptions = {}): Client {
  return newClientOver(mucp, options, options.mux === false ? undefined : muxClientWire);
}

const mucp: ClientWire = {
  name: "mucp",
  protocol: "mucp",

  open({ settings, parts, path }) {
    const { poolSize, poolTtlMs, dialTimeoutMs } = settings;
    const pool = new Pool({ size: poolSize, ttlMs: poolTtlMs, dialTimeoutMs });
    let ids = 0;
    const shared: Mucp = {
      settings,
      path,
      pool,
      transport: () => parts.transport,
      nextId: () => String(ids++),
    };
    return {
      call: (attempt) => exchange(shared, attempt),
      stream: (attempt) => openStream(shared, attempt),
      keepOnly: (service, nodes) => pool.keepOnly(service, nodes),
      close: () => pool.close(),
    };
  },
};

async function exchange(mucp: Mucp, attempt: WireAttempt): Promise<unknown> {
  const { settings, pool } = mucp;
  const { node, request, limit } = attempt;
  const format = formatFor(request.contentType ?? settings.contentType, node, settings.codecs);
  const id = mucp.nextId();
  const frame = { kind: "request", id, endpoint: request.endpoint, error: "" } as const;
  const body = format.codec.encode(request.body, frame, request.requestType);
  const transport = mucp.transport();
  checkRequest(body, transport, request.endpoint);
  const connection =
    pool.take(transport, node.address) ?? (await pool.dial(transport, request.service, node.address, limit));
  const header = Object.assign(newMetadata(), attempt.metadata);
  writeHeader(header, request, format, id, limit.remainingMs());
  limit.doing = "waiting for the answer of";
  limit.address = node.address;
  try {
    const answer = await connection.exchange({ header, body }, limit);
    return readAnswer(answer, request, format, node.address);
  } finally {
    pool.release(connection);
  }
}
