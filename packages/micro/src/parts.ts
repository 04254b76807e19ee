import type { Broker } from "./broker/broker.ts";
import type { Client } from "./client/client.ts";
import type { Logger } from "./logger.ts";
import type { Registry } from "./registry/registry.ts";
import type { Selector } from "./selector/selector.ts";
import type { Server } from "./server/server.ts";
import type { Store } from "./store/store.ts";
import type { Transport } from "./transport/transport.ts";

/**
 * The parts of one service, as live getters: whoever needs the registry asks for it when it is needed and
 * keeps nothing, so that a part can be replaced.
 */
export interface Parts {
  readonly broker: Broker;
  readonly client: Client;
  readonly registry: Registry;
  readonly selector: Selector;
  readonly server: Server;
  readonly store: Store;
  readonly transport: Transport;
}

/** What every factory is given, whatever its kind. `{}` is always enough. */
export interface PartOptions {
  /** Where the engine behind the part is, as `--broker_address=a,b` gives it. */
  addresses?: readonly string[];
  /** Use TLS. Implied by `tls`. @default false */
  secure?: boolean;
  tls?: TlsOptions;
  /** Limit of one operation on the engine, in milliseconds. Each implementation names its default. */
  timeoutMs?: number;
  /** @default a logger on stderr at the level of `MICRO_LOG_LEVEL` */
  logger?: Logger;
  /** The service's other parts. A part that is absent is replaced by the built-in default. */
  parts?: Partial<Parts>;
}

/** PEM texts or their bytes, as in `node:tls`. */
export interface TlsOptions {
  /** Whom to trust. @default the certificate authorities that Node ships */
  ca?: string | Buffer | readonly (string | Buffer)[];
  /** This side's certificate chain: needed to listen, and for mutual TLS to dial. */
  cert?: string | Buffer;
  key?: string | Buffer;
  /** The name the peer's certificate must carry. @default the host of the dialled address */
  serverName?: string;
  /** Listening: demand a certificate signed by `ca` from every client (mutual TLS). @default false */
  requireClientCert?: boolean;
  /**
   * Accept any certificate. For tests only: whoever is on the path can then read and change everything.
   * @default false, unlike go-micro v2.9.1
   */
  insecureSkipVerify?: boolean;
}
