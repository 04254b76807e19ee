import { describe } from "node:test";
import type { Client, ClientOptions } from "ts-micro/client";
import type { Server, ServerOptions } from "ts-micro/server";
import type { Transport } from "ts-micro/transport";
import { newClientServerBench } from "./client-server/bench.ts";
import { bodyTests } from "./client-server/bodies.ts";
import { drainingTests } from "./client-server/draining.ts";
import { errorTests } from "./client-server/errors.ts";
import { limitTests } from "./client-server/limits.ts";
import { metadataTests } from "./client-server/metadata.ts";
import { publishTests } from "./client-server/publish.ts";
import { retryTests } from "./client-server/retries.ts";
import { schemaStreamTests } from "./client-server/schema-streams.ts";
import { schemaTests } from "./client-server/schemas.ts";
import { streamFlowTests } from "./client-server/stream-flow.ts";
import { streamTests } from "./client-server/streams.ts";
import { unaryTests } from "./client-server/unary.ts";
import { wrapperTests } from "./client-server/wrappers.ts";

export interface ClientServerSubject {
  newClient: (options: ClientOptions) => Client;
  newServer: (options: ServerOptions) => Server;
  /** The transport of both, for pairs that use one. All that are made with the same `hub` reach each other. */
  newTransport?: (hub: string) => Transport;
  /** Where servers listen on any free place. @default "127.0.0.1:0" */
  address?: string;
  /** What a caller's address looks like. @default `host:port` */
  peer?: RegExp;
  /** What the pair can do; what it can't is not tried. @default everything */
  supports?: Partial<ClientServerSupports>;
  /** Content types to try beside the client's default, each with a body that comes back as it is. */
  contentTypes?: Readonly<Record<string, unknown>>;
  /** Limit of one test, in milliseconds. @default 30_000 */
  timeoutMs?: number;
}

export interface ClientServerSupports {
  readonly streams: boolean;
  /** A client can end its side of a stream and go on reading. */
  readonly halfClose: boolean;
  /**
   * The server can tell a stream from a call. Where it can't, a call of a stream that gives one answer is a call like
   * any other.
   */
  readonly streamsAreMarked: boolean;
  readonly metadata: boolean;
  /** The caller's remaining time reaches the handler. */
  readonly deadlines: boolean;
  /** A caller that gives up, or goes away, aborts the handler's signal. */
  readonly cancellation: boolean;
  /** Bodies are encoded by the message types of calls and endpoints, which protobuf schemas need. */
  readonly schemas: boolean;
}

/**
 * The suite of a client and the server that speaks its protocol: what `Client`, `Server` and the options of calls
 * promise, tried over a memory registry and broker, and a selector that takes the nodes in turn.
 *
 *     clientServerConformance("brpc", { newClient, newServer, supports: { streams: false } });
 */
export function clientServerConformance(name: string, subject: ClientServerSubject): void {
  describe(`client and server ${name}`, () => {
    const bench = newClientServerBench(subject);
    unaryTests(bench);
    bodyTests(bench);
    errorTests(bench);
    limitTests(bench);
    metadataTests(bench);
    retryTests(bench);
    wrapperTests(bench);
    drainingTests(bench);
    publishTests(bench);
    if (bench.supports.schemas) schemaTests(bench);
    if (bench.supports.streams) {
      streamTests(bench);
      streamFlowTests(bench);
      if (bench.supports.schemas) schemaStreamTests(bench);
    }
  });
}
