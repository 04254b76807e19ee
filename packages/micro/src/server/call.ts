import { decodeBody, encodeBody } from "../codec/body.ts";
import type { CallContext } from "../context.ts";
import { internalServerError, MicroError } from "../errors.ts";
import { isPromiseLike } from "../promise-like.ts";
import { checkBodySize } from "../transport/message-size.ts";
import type { Message } from "../transport/transport.ts";
import type { RequestHead } from "./request.ts";
import { errorAnswer, unaryAnswer } from "./response.ts";
import type { Route, Router } from "./router.ts";
import { textOf } from "./thrown.ts";

/** What a call needs of the connection it came by. */
export interface CallHost {
  readonly router: Router;
  /** The longest body of an answer, in bytes. */
  readonly maxAnswerBytes: number | undefined;
  /** The call has its answer. Comes once. */
  answered(call: Call, answer: Message): void;
}

/** One call: the request's body becomes the handler's request, the handler's result or failure the answer. */
export class Call {
  readonly context: CallContext;
  /** Set by the connection when the answer may leave before those of earlier requests. */
  answer: Message | undefined;
  readonly #host: CallHost;
  readonly #head: RequestHead;
  readonly #route: Route;

  constructor(host: CallHost, head: RequestHead, route: Route, context: CallContext) {
    this.#host = host;
    this.#head = head;
    this.#route = route;
    this.context = context;
  }

  /** Runs the handler; one that answers at once costs no promise. Never throws. */
  run(message: Message): void {
    const head = this.#head;
    let result: unknown;
    try {
      const { value = {}, id = "" } = decodeBody(head.codec, message, "request", this.#route.requestType);
      if (head.id === "") head.id = id;
      const { service, endpoint, contentType } = head;
      const request = { service, endpoint, contentType, streaming: false, body: value };
      result = this.#route.invoke(request, this.context);
      if (isPromiseLike(result)) {
        result.then(
          (value) => this.#succeed(value),
          (thrown) => this.#fail(thrown),
        );
        return;
      }
    } catch (thrown) {
      this.#fail(thrown);
      return;
    }
    this.#succeed(result);
  }

  #succeed(value: unknown): void {
    const head = this.#head;
    let answer: Message;
    try {
      const frame = { kind: "response", id: head.id, endpoint: head.endpoint, error: "" } as const;
      const body = encodeBody(head.codec, value, frame, this.#route.responseType);
      const what = `the answer of ${head.endpoint}`;
      checkBodySize(body, this.#host.maxAnswerBytes, { id: "go.micro.server", what, code: 500 });
      answer = unaryAnswer(head, body);
    } catch (thrown) {
      this.#fail(unencodable(thrown));
      return;
    }
    this.#host.answered(this, answer);
  }

  #fail(thrown: unknown): void {
    const error = this.#host.router.failure(thrown, this.#head.endpoint);
    this.#host.answered(this, errorAnswer(this.#head, error));
  }
}

/** Why a result can't be sent, in go-micro's words. */
export function unencodable(thrown: unknown): MicroError {
  if (MicroError.is(thrown) && thrown.reason === "too-large") return thrown;
  const detail = `Unable to encode body: ${MicroError.is(thrown) ? thrown.detail : textOf(thrown)}`;
  return internalServerError("go.micro.server", detail, { reason: "encode-failed", cause: thrown });
}
