/** An announced length up to which memory is taken at once. */
const believedBytes = 128 * 1024;

/**
 * Gathers a body that arrives in pieces. Memory follows what has arrived, not what was announced, beyond what a
 * connection costs anyway: an announced length costs a peer nothing, and neither do pieces of one byte.
 */
export class ByteCollector {
  #bytes = Buffer.alloc(0);
  #length = 0;
  readonly #expected: number;

  /** @param expected the length, if it is known; the last growth then fits exactly. */
  constructor(expected = Number.POSITIVE_INFINITY) {
    this.#expected = expected;
  }

  get length(): number {
    return this.#length;
  }

  append(piece: Uint8Array): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      const doubled = Math.min(this.#expected, this.#bytes.length * 2);
      const wanted = this.#expected <= believedBytes ? this.#expected : doubled;
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, wanted));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = needed;
  }

  /** What was gathered. The collector is empty and unusable afterwards. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
