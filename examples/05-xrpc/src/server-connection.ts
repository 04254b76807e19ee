import type { Duplex } from "node:stream";
import { CallContext, MicroError, newMetadata, notImplemented, type Peer } from "ts-micro";
import type { Router } from "ts-micro/server";
import { remoteAddressOf } from "ts-micro/transport";
import { type CancelFrame, encodeFrame, goodbyeId, type RequestFrame, readFrames } from "./frames.ts";

/** One connection of a server: runs the calls that come in, all at once, and answers each when it is done. */
export class ServerConnection {
  readonly #socket: Duplex;
  readonly #router: Router;
  readonly #service: string;
  readonly #peer: Peer;
  readonly #running = new Map<number, CallContext>();
  #whenIdle = (): void => {};

  constructor(socket: Duplex, router: Router, service: string) {
    this.#socket = socket;
    this.#router = router;
    this.#service = service;
    this.#peer = { address: remoteAddressOf(socket) };
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => this.destroy(cancelled("the caller has gone away")));
    readFrames<RequestFrame | CancelFrame>(socket, (frame) => {
      if ("cancel" in frame) this.#running.get(frame.id)?.cancel(cancelled("cancelled by the caller"));
      else void this.#serve(frame);
    });
  }

  /** Asks the caller to go elsewhere with further calls. Those that come nevertheless are served. */
  sayGoodbye(): void {
    this.#socket.write(encodeFrame({ id: goodbyeId }));
  }

  /** Resolves when nothing is running any more, and closes the connection. */
  async finish(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    this.#socket.end();
  }

  destroy(reason: MicroError): void {
    for (const context of this.#running.values()) context.cancel(reason);
    this.#socket.destroy();
  }

  async #serve(request: RequestFrame): Promise<void> {
    const { id, endpoint, timeoutMs } = request;
    const context = new CallContext({ metadata: newMetadata(request.metadata), timeoutMs, peer: this.#peer });
    this.#running.set(id, context);
    try {
      const body = await this.#run(request, context);
      this.#answer(encodeFrame({ id, body }));
    } catch (thrown) {
      const error = this.#router.failure(thrown, endpoint);
      this.#answer(encodeFrame({ id, error: error.toJSON() }));
    }
    context.finish();
    this.#running.delete(id);
    if (this.#running.size === 0) this.#whenIdle();
  }

  #run({ endpoint, body }: RequestFrame, context: CallContext): unknown {
    const route = this.#router.find(endpoint);
    if (route.streaming)
      throw notImplemented("xrpc", `${endpoint} streams, xrpc does not`, { reason: "not-supported" });
    const [service, contentType] = [this.#service, "application/json"];
    return route.invoke({ service, endpoint, contentType, streaming: false, body }, context);
  }

  #answer(frame: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(frame);
  }
}

function cancelled(detail: string): MicroError {
  return new MicroError({ id: "xrpc", code: 499, detail, reason: "cancelled" });
}
