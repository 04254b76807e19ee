import { notImplemented } from "../errors.ts";
import type { Metadata } from "../metadata.ts";
import type { Node } from "../registry/registry.ts";
import { protocolsOf } from "../selector/filters.ts";
import type { Selector } from "../selector/selector.ts";
import type { Transport } from "../transport/transport.ts";
import { type Outcome, tell, type WireAttempt, wrapAttempts } from "./attempt.ts";
import { CallPath } from "./call.ts";
import type { CallRequest, Client, ClientOptions, ClientStream, StreamRequest } from "./client.ts";
import { metadataSource, shared } from "./inherit.ts";
import type { Limit } from "./limit.ts";
import { ClientParts } from "./parts.ts";
import { publisher } from "./publish.ts";
import { readableBy } from "./readable.ts";
import { type ClientSettings, clientSettings, positive } from "./settings.ts";

/**
 * What a wire protocol brings to become a client. Selection, deadlines, retries, wrappers, the metadata of
 * nested calls and publishing are done for it by `newClientOver`.
 */
export interface ClientWire {
  /** The word users write after `--client=`. */
  readonly name: string;
  /** What servers write into their node's metadata `protocol`. Nodes of other protocols are not called. */
  readonly protocol: string;
  /** False where the service's transport can't carry it. @default it brings its own connections */
  carriedBy?(transport: Transport): boolean;
  /** Called once for each client. Opens nothing yet. */
  open(host: ClientHost): WireCalls;
}

/** What the protocol is given. */
export interface ClientHost {
  readonly options: ClientOptions;
  readonly settings: ClientSettings;
  readonly parts: ClientParts;
  /** Gives an open stream the limit of its own. */
  readonly path: Pick<CallPath, "limit" | "done">;
}

export interface WireCalls {
  /**
   * Sends the request to `attempt.node` and gives the decoded answer. Rejects at once when `attempt.limit` ends.
   * @throws MicroError the handler's; or one with a `reason`: `connection-failed` and `draining` say that the
   *   request never reached a handler and may be tried on another node.
   */
  call(attempt: WireAttempt): Promise<unknown>;
  /**
   * The same without a promise, and preferred where it is there: for protocols so quick that a promise more counts.
   * @throws MicroError as `call` does, what it hasn't told
   */
  send?(attempt: WireAttempt, outcome: Outcome): void;
  /**
   * Opens a stream to `attempt.node`. Without it streams are refused: 501 `not-supported`.
   * @throws MicroError as `call` does
   */
  stream?(attempt: StreamAttempt): Promise<ClientStream>;
  /** The nodes of a service changed; these are left. */
  keepOnly?(service: string, nodes: readonly Node[]): void;
  /** Closes all connections. What was under way has been told already. */
  close(): void;
}

/** One attempt to open a stream. Its metadata is complete and safe to send, and its own. */
export interface StreamAttempt {
  readonly node: Node;
  readonly request: StreamRequest;
  readonly metadata: Metadata;
  /** When the stream itself ends, on the clock of `performance.now()`; `Infinity` for none. */
  readonly deadline: number;
  /** Ends the opening. The stream has a limit of its own, from `ClientHost.path`. */
  readonly limit: Limit;
}

interface Spoken {
  readonly wire: ClientWire;
  readonly calls: WireCalls;
}

/**
 * Makes a client of a wire protocol.
 * @param quicker is spoken instead with nodes that speak it, too
 * @throws MicroError 400 for an option out of range
 */
export function newClientOver(wire: ClientWire, options: ClientOptions = {}, quicker?: ClientWire): Client {
  const settings = clientSettings(options);
  const parts = new ClientParts(options);
  const metadata = metadataSource(settings.forwardMetadata);

  let observed: Selector | undefined;
  let unobserve: (() => void) | undefined;
  /** The selector in use, whose news about nodes that left the protocol hears. */
  const selector = (): Selector => {
    const present = parts.selector;
    if (present !== observed) {
      unobserve?.();
      observed = present;
      unobserve = present.observe?.((service, nodes) => {
        for (const { calls } of spoken) calls.keepOnly?.(service, nodes);
      });
    }
    return present;
  };

  /** The first that a node speaks is spoken with it. */
  const wires = [...(quicker === undefined ? [] : [quicker]), wire, ...(options.wires ?? [])];
  const protocols = new Set([wire, ...wires].map(({ protocol }) => protocol));
  // Call wrappers may write into the metadata of their attempt.
  const ofAttempts = settings.wrapCall.length === 0 ? shared(metadata) : metadata;
  const path = new CallPath(settings, ofAttempts, selector, [...protocols]);
  const spoken = wires.map((each) => ({ wire: each, calls: each.open({ options, settings, parts, path }) }));
  const own = spoken[quicker === undefined ? 0 : 1] as Spoken;
  const isAlone = spoken.length === 1;
  const spokenBy = (node: Node): Spoken => {
    if (isAlone) return own;
    const understood = protocolsOf(node);
    for (const each of spoken) {
      if (understood.includes(each.wire.protocol) && each.wire.carriedBy?.(parts.transport) !== false)
        return each;
    }
    return own;
  };
  const readable = readableBy(settings);
  const send = (attempt: WireAttempt, outcome: Outcome): void => {
    const { calls } = spokenBy(attempt.node);
    const request = readable(attempt.request, attempt.node);
    const readableAttempt = request === attempt.request ? attempt : { ...attempt, request };
    if (calls.send !== undefined) calls.send(readableAttempt, outcome);
    else tell(calls.call(readableAttempt), outcome);
  };
  const attempt = wrapAttempts(send, settings, metadata);
  let closing: Promise<void> | undefined;

  const client: Client = {
    name: wire.name,
    call<Response, Request>(request: CallRequest<Request, Response>): Promise<Response> {
      const timeoutMs = request.timeoutMs ?? settings.requestTimeoutMs;
      return path.run(request, timeoutMs, attempt) as Promise<Response>;
    },
    stream<Response, Request>(
      request: StreamRequest<Request, Response>,
    ): Promise<ClientStream<Request, Response>> {
      return open(request) as Promise<ClientStream<Request, Response>>;
    },
    publish: publisher(settings, metadata, () => parts.broker),
    close(): Promise<void> {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
  return client;

  async function open(request: StreamRequest): Promise<ClientStream> {
    const { endpoint, context, timeoutMs = Infinity } = request;
    if (spoken.every(({ calls }) => calls.stream === undefined)) throw noStreams(wire.name, endpoint);
    // The stream's own time starts now, too.
    const deadline = Math.min(
      performance.now() + positive("timeoutMs", timeoutMs),
      context?.deadline ?? Infinity,
    );
    const openingMs = Math.min(timeoutMs, settings.requestTimeoutMs);
    return path.run(request, openingMs, ({ node, limit }, outcome) => {
      const { wire, calls } = spokenBy(node);
      if (calls.stream === undefined) throw noStreams(wire.name, endpoint);
      const header = metadata(request.metadata, context?.metadata);
      const stream = { node, request: readable(request, node), metadata: header, deadline, limit };
      tell(calls.stream(stream), outcome);
    }) as Promise<ClientStream>;
  }

  async function close(): Promise<void> {
    path.close();
    unobserve?.();
    for (const { calls } of spoken) calls.close();
    await parts.close();
  }
}

function noStreams(name: string, endpoint: string): Error {
  return notImplemented("go.micro.client", `client ${name} can't stream, so not ${endpoint} either`, {
    reason: "not-supported",
  });
}
