import type { PartOptions } from "../parts.ts";
import type { Shape } from "../shape.ts";

/**
 * Knows which services run where.
 *
 * One record per service *version*; each holds the nodes that serve it. The node id is the identity
 * everywhere.
 */
export interface Registry extends AsyncDisposable {
  /** The word users write after `--registry=`. */
  readonly name: string;
  /**
   * Makes the nodes of `service` visible, or renews them. Registering a node again with other contents
   * replaces it. Without a TTL a node stays until it is deregistered.
   * @throws MicroError 400 for a record the registry can't carry, which ends a service's start; 503 when the registry can't be reached.
   */
  register(service: Service, options?: RegisterOptions): Promise<void>;
  /** Removes the nodes of `service`. Nodes that aren't there are no error. */
  deregister(service: Service): Promise<void>;
  /** One record per version, newest knowledge; an unknown service gives `[]`, never an error. */
  getService(name: string, options?: ReadOptions): Promise<Service[]>;
  /** One record per service and version, sorted by name. Endpoints and nodes may be missing. */
  listServices(options?: ReadOptions): Promise<Service[]>;
  /**
   * Resolves once changes are being recorded: what happens after that is in the watcher, in order.
   */
  watch(options?: WatchOptions): Promise<Watcher>;
  /** Ends watchers and closes connections; nodes registered through this registry stay. Idempotent. */
  close(): Promise<void>;
}

export interface Service {
  name: string;
  version: string;
  metadata: Record<string, string>;
  endpoints: Endpoint[];
  nodes: Node[];
}

export interface Node {
  /** Unique in its service: `<service>-<server id>`. */
  id: string;
  /** `host:port`, IPv6 hosts in brackets. */
  address: string;
  metadata: Record<string, string>;
}

export interface Endpoint {
  /** `Type.Method`. */
  name: string;
  request: Value | null;
  response: Value | null;
  metadata: Record<string, string>;
}

/** The shape of a message: a field's name, its type, and the fields below it. */
export interface Value {
  name: string;
  type: string;
  values: Value[];
}

export interface RegisterOptions {
  /** The node disappears when it isn't registered again for this long, in milliseconds. */
  ttlMs?: number;
}

export interface ReadOptions {
  /** Limit of the look-up, in milliseconds. @default the registry's `timeoutMs` */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /**
   * For `getService`: a registry that collects answers over time, as mDNS does, goes on within the limit until this is
   * true of what it has found. One that knows all there is needn't ask. @default the first answers are enough
   */
  enough?: Enough | undefined;
}

/** Whether there is what the asker needs among these. Asked again and again, so it keeps nothing. */
export type Enough = (found: readonly Service[]) => boolean;

export interface WatchOptions {
  /** Only changes of this service. */
  service?: string;
  /** Ends the watcher without an error. */
  signal?: AbortSignal;
}

/** Changes in order. The iteration ends when the watcher is closed, and throws when the registry lost track. */
export interface Watcher extends AsyncIterable<Result>, AsyncDisposable {
  /** Idempotent. */
  close(): Promise<void>;
}

export interface Result {
  action: "create" | "update" | "delete";
  /** With the nodes the change is about; `delete` without nodes means the whole service. */
  service: Service;
}

/** `timeoutMs` is the time one look-up may take. */
export interface RegistryOptions extends PartOptions {}

export const registryShape: Shape<Registry> = {
  name: "string",
  register: "promise",
  deregister: "promise",
  getService: "promise",
  listServices: "promise",
  watch: "promise",
  close: "promise",
  [Symbol.asyncDispose]: "promise",
};
