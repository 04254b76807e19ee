import type { Codec, Codecs, Frame } from "../codec/codec.ts";
import { codecFor } from "../codec/codecs.ts";
import { type NamedHead, readHead } from "../mux/head.ts";
import { BadFrame, type Line } from "../mux/line.ts";
import type { Route, Router } from "./router.ts";

/** What is constant for many calls, with what was found for it. */
export interface MuxHead extends NamedHead {
  readonly codec: Codec;
  readonly route: Route;
  /** For the codec. */
  readonly frame: Frame;
}

/** The heads that one caller has defined. */
export class MuxHeads {
  readonly #router: Router;
  readonly #codecs: Codecs;
  readonly #heads = new Map<number, NamedHead | MuxHead>();

  constructor(router: Router, codecs: Codecs) {
    this.#router = router;
    this.#codecs = codecs;
  }

  /** An `h` frame. A number that is there already is given anew. */
  define(line: Line): void {
    const { number, head } = readHead(line);
    this.#heads.set(number, head);
  }

  /**
   * The head of a call. Its endpoint is looked for until it is there: a handler may be added while the server runs.
   * @throws BadFrame for a number that was never defined; as the router and the codecs do
   */
  of(number: number): MuxHead {
    const named = this.#heads.get(number);
    if (named === undefined) throw new BadFrame(`a call with the head ${number}, which was never sent`);
    if ("route" in named) {
      // The router counts only those that it looks for.
      this.#router.stats.requests++;
      return named;
    }
    const { endpoint, contentType } = named;
    const route = this.#router.find(endpoint);
    const frame = { kind: "response", id: "", endpoint, error: "" } as const;
    const head: MuxHead = { ...named, codec: codecFor(contentType, this.#codecs), route, frame };
    this.#heads.set(number, head);
    return head;
  }

  endpointOf(number: number): string {
    return this.#heads.get(number)?.endpoint ?? "";
  }
}
