import type { Selector } from "../selector/selector.ts";
import type { Transport } from "../transport/transport.ts";
import { CallPath } from "./call.ts";
import type {
  CallRequest,
  Client,
  ClientOptions,
  ClientPublishOptions,
  ClientStream,
  StreamRequest,
} from "./client.ts";
import { type MetadataSource, metadataSource } from "./inherit.ts";
import { clientParts } from "./parts.ts";
import { Pool } from "./pool.ts";
import { publisher } from "./publish.ts";
import { type ClientSettings, clientSettings } from "./settings.ts";
import { openStream } from "./stream.ts";
import { unaryCalls } from "./unary.ts";

/** What mucp's calls and streams of one client share. */
export interface Mucp {
  readonly settings: ClientSettings;
  readonly pool: Pool;
  readonly metadata: MetadataSource;
  /** Asked for each attempt. */
  transport(): Transport;
  /** The next `Micro-Id`: a number, one higher for each call, stream and retry. */
  nextId(): string;
}

/**
 * go-micro's own client (`client/rpc_client.go`): mucp over whatever transport the service has.
 *
 * The proxy variables of go-micro (`MICRO_PROXY`, `MICRO_NETWORK`) are not read here; `addresses` of a call
 * does what they do.
 * @throws TypeError for an option out of range
 */
export function newClient(options: ClientOptions = {}): Client {
  const settings = clientSettings(options);
  const parts = clientParts(options);
  const metadata = metadataSource(settings.forwardMetadata);
  const { poolSize, poolTtlMs, dialTimeoutMs } = settings;
  const pool = new Pool({ size: poolSize, ttlMs: poolTtlMs, dialTimeoutMs });
  let ids = 0;
  const mucp: Mucp = {
    settings,
    pool,
    metadata,
    transport: () => parts.transport,
    nextId: () => String(ids++),
  };

  let observed: Selector | undefined;
  let unobserve: (() => void) | undefined;
  /** The selector in use, whose news about nodes that left the pool hears. */
  const selector = (): Selector => {
    const present = parts.selector;
    if (present !== observed) {
      unobserve?.();
      observed = present;
      unobserve = present.observe?.((service, nodes) => pool.keepOnly(service, nodes));
    }
    return present;
  };

  const path = new CallPath(settings, selector, "mucp");
  const attemptsOf = unaryCalls(mucp);
  const publish = publisher(settings, metadata);
  let closing: Promise<void> | undefined;

  const client: Client = {
    name: "mucp",
    call<Response, Request>(request: CallRequest<Request, Response>): Promise<Response> {
      const timeoutMs = request.timeoutMs ?? settings.requestTimeoutMs;
      return path.run(request, timeoutMs, attemptsOf(request)) as Promise<Response>;
    },
    stream<Response, Request>(
      request: StreamRequest<Request, Response>,
    ): Promise<ClientStream<Request, Response>> {
      return openStream(mucp, path, request) as Promise<ClientStream<Request, Response>>;
    },
    publish(topic: string, body: unknown, options?: ClientPublishOptions): Promise<void> {
      return publish(() => parts.broker, topic, body, options);
    },
    close(): Promise<void> {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
  return client;

  async function close(): Promise<void> {
    path.close();
    unobserve?.();
    pool.close();
    await parts.close();
  }
}
