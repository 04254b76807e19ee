/**
 * Watches a connection for a peer that stops in the middle of a frame: it keeps memory, and on a shared
 * connection everything behind it waits.
 */
export class StallWatch {
  readonly #limitMs: number;
  readonly #onStall: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** A frame has begun and is not complete. */
  #midFrame = false;
  /** The time is up, and nothing has come since. */
  #late = false;

  constructor(limitMs: number, onStall: () => void) {
    this.#limitMs = limitMs;
    this.#onStall = onStall;
  }

  /** Something has arrived, or the connection is read again after a pause. */
  heard(midFrame: boolean): void {
    this.#midFrame = midFrame;
    this.#late = false;
    if (!midFrame) return;
    // Most frames arrive whole and need no timer; one that was made is kept, whatever comes.
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#timeUp(), this.#limitMs).unref();
    else this.#timer.refresh();
  }

  stop(): void {
    this.#midFrame = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #timeUp(): void {
    this.#timer = undefined;
    this.#late = true;
    // A process that was busy all the time has not read yet what came meanwhile; by then it has.
    setImmediate(() => {
      if (this.#late && this.#midFrame) this.#onStall();
    });
  }
}
