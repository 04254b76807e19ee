import { performance } from "node:perf_hooks";
import { MicroError } from "../errors.ts";
import { type Followers, follow } from "./followers.ts";

/** Something that is under way for a call and must stop when the call ends early. */
export interface Interruptible {
  interrupt(error: MicroError): void;
}

/** What is called. */
export interface Target {
  readonly service: string;
  readonly endpoint: string;
}

/**
 * What can end one call or stream before it ends by itself: its deadline, its signals, the end of the client.
 */
export class Limit {
  /** On the clock of `performance.now()`; `Infinity` for none. */
  readonly deadline: number;
  /** Why the call was ended, once it was. */
  error: MicroError | undefined;
  /** What the call is doing, for the error of its deadline. */
  doing = "looking the service up";
  /** The node it is doing that with. */
  address = "";
  /** Where it stands among the limits of its client; -1 when it doesn't. */
  place = -1;
  readonly #target: Target;
  readonly #ended: (error: MicroError) => void;
  /** Made when there is something to put in: most calls follow no signal, and have one thing under way. */
  #underWay: Interruptible | undefined;
  #alsoUnderWay: Interruptible[] | undefined;
  #followed: Followers[] | undefined;

  /**
   * @param target for messages
   * @param ended called once, when the limit ends the call
   */
  constructor(deadline: number, target: Target, ended: (error: MicroError) => void) {
    this.deadline = deadline;
    this.#target = target;
    this.#ended = ended;
  }

  /** Milliseconds until the deadline, never below 0; `Infinity` without one. */
  remainingMs(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  /** True from the deadline on, also before the sweep has noticed. */
  isOver(): boolean {
    return this.deadline !== Infinity && performance.now() >= this.deadline;
  }

  /** Ends the call now. The first reason counts, and is returned. */
  end(error: MicroError): MicroError {
    if (this.error !== undefined) return this.error;
    this.error = error;
    this.#underWay?.interrupt(error);
    for (const each of this.#alsoUnderWay?.splice(0) ?? []) each.interrupt(error);
    this.#ended(error);
    return error;
  }

  expire(): MicroError {
    if (this.error !== undefined) return this.error;
    const where = this.address === "" ? "" : ` ${this.address}`;
    return this.end(timedOut(`${nameOf(this.#target)}: call timeout while ${this.doing}${where}`));
  }

  /** Ends the call when the signal aborts, or at once when it already has. */
  follow(signal: AbortSignal): void {
    if (signal.aborted) this.abort(signal.reason);
    else {
      this.#followed ??= [];
      this.#followed.push(follow(signal, this));
    }
  }

  abort(reason: unknown): void {
    this.end(endedBy(reason, nameOf(this.#target)));
  }

  /** From now until `done`, the end of the call interrupts this. */
  begin(work: Interruptible): void {
    if (this.error !== undefined) work.interrupt(this.error);
    else if (this.#underWay === undefined) this.#underWay = work;
    else {
      this.#alsoUnderWay ??= [];
      this.#alsoUnderWay.push(work);
    }
  }

  done(work: Interruptible): void {
    if (this.#underWay === work) this.#underWay = undefined;
    if (this.#alsoUnderWay === undefined) return;
    const at = this.#alsoUnderWay.indexOf(work);
    if (at !== -1) this.#alsoUnderWay.splice(at, 1);
  }

  /** The promise's outcome, unless the call is ended before. The promise itself goes on. */
  race<T>(promise: PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const work = { interrupt: reject };
      this.begin(work);
      promise.then(
        (value) => {
          this.done(work);
          resolve(value);
        },
        (thrown) => {
          this.done(work);
          reject(thrown);
        },
      );
    });
  }

  /** Waits, and keeps the process alive meanwhile. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.done(work);
        resolve();
      }, ms);
      const work = {
        interrupt(error: MicroError): void {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.begin(work);
    });
  }

  /** The call is over by itself: stops listening to signals. */
  release(): void {
    if (this.#followed === undefined) return;
    for (const followers of this.#followed.splice(0)) followers.remove(this);
  }
}

function nameOf({ service, endpoint }: Target): string {
  return `${service} ${endpoint}`;
}

/** A context's signal aborts for its deadline too; that is no cancellation. */
function endedBy(reason: unknown, subject: string): MicroError {
  if (MicroError.is(reason) && reason.reason === "timeout") {
    return timedOut(`${subject}: call timeout, the calling handler has no time left`, reason);
  }
  return new MicroError({
    id: "go.micro.client",
    code: 499,
    detail: `${subject}: cancelled by the caller`,
    reason: "cancelled",
    cause: reason,
  });
}

function timedOut(detail: string, cause?: unknown): MicroError {
  return new MicroError({ id: "go.micro.client", code: 408, detail, reason: "timeout", cause });
}
