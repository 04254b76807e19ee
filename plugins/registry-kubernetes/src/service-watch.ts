import { KnownNodes, type Result } from "ts-micro/registry";
import { type Pod, podRecords, podsPath } from "./pods.ts";
import { entriesOf, joined } from "./records.ts";
import { Reflector, type ReflectorOptions } from "./reflector.ts";
import { type EndpointSlice, sliceRecords, slicesPath } from "./slices.ts";

export interface ServiceWatchOptions extends Omit<ReflectorOptions<never>, "path" | "onChange"> {
  readonly namespace: string;
  /** Of the one service to watch. */
  readonly name?: string;
  onChange(change: Result): void;
}

/** Tells what changes about the nodes of one service or of all, on pods and in endpoint slices. */
export class ServiceWatch {
  readonly #name: string | undefined;
  readonly #known: KnownNodes;
  readonly #reflectors: readonly [Reflector<Pod>, Reflector<EndpointSlice>];
  #pods: readonly Pod[] = [];
  #slices: readonly EndpointSlice[] = [];
  #tells = false;

  constructor({ namespace, name, onChange, ...how }: ServiceWatchOptions) {
    this.#name = name;
    this.#known = new KnownNodes(onChange);
    this.#reflectors = [
      new Reflector<Pod>({
        ...how,
        path: podsPath(namespace, name),
        onChange: (pods) => {
          this.#pods = [...pods];
          this.#take();
        },
      }),
      new Reflector<EndpointSlice>({
        ...how,
        path: slicesPath(namespace, name),
        onChange: (slices) => {
          this.#slices = [...slices];
          this.#take();
        },
      }),
    ];
  }

  /** Resolves once changes are being recorded. @throws as `Api.get` */
  async start(): Promise<void> {
    await Promise.all(this.#reflectors.map((reflector) => reflector.start()));
    this.#tells = true;
  }

  /** Idempotent. */
  close(): void {
    for (const reflector of this.#reflectors) reflector.close();
  }

  get isClosed(): boolean {
    return this.#reflectors[0].isClosed;
  }

  #take(): void {
    const entries = entriesOf(joined(podRecords(this.#pods, this.#name), sliceRecords(this.#slices)));
    if (this.#tells) this.#known.replace(entries);
    else this.#known.begin(entries);
  }
}
