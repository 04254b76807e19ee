import { encodeBody } from "../codec/body.ts";
import type { Transport } from "../transport/transport.ts";
import type { Outcome, WireAttempt } from "./attempt.ts";
import type { Client, ClientOptions } from "./client.ts";
import { type ClientHost, type ClientWire, newClientOver } from "./client-over.ts";
import type { Connection } from "./connection.ts";
import { MucpCall } from "./mucp-call.ts";
import { muxClientWire } from "./mux.ts";
import { Pool } from "./pool.ts";
import { openStream } from "./stream.ts";
import { checkRequest, formatFor } from "./wire.ts";

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
 * @throws MicroError 400 for an option out of range
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
      call: (attempt) => new Promise((succeed, fail) => send(shared, attempt, { succeed, fail })),
      send: (attempt, outcome) => send(shared, attempt, outcome),
      stream: (attempt) => openStream(shared, attempt),
      keepOnly: (service, nodes) => pool.keepOnly(service, nodes),
      close: () => pool.close(),
    };
  },
};

/** No promise unless a connection has to be made. */
function send(mucp: Mucp, attempt: WireAttempt, outcome: Outcome): void {
  const { settings, pool } = mucp;
  const { node, request, limit } = attempt;
  const format = formatFor(request.contentType ?? settings.contentType, node, settings.codecs);
  const id = mucp.nextId();
  const frame = { kind: "request", id, endpoint: request.endpoint, error: "" } as const;
  const body = encodeBody(format.codec, request.body, frame, request.requestType);
  const transport = mucp.transport();
  checkRequest(body, transport, request.endpoint);
  const sendOn = (connection: Connection): void =>
    new MucpCall(pool, connection, attempt, format, outcome).send(id, body);
  const idle = pool.take(transport, node.address);
  if (idle !== undefined) sendOn(idle);
  else {
    pool
      .dial(transport, request.service, node.address, limit)
      .then(sendOn)
      .catch((thrown) => outcome.fail(thrown));
  }
}
