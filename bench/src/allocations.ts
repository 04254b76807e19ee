import { Session } from "node:inspector/promises";
import type { Contender } from "./contender.ts";

const inFlight = 64;

/** Of the sampling heap profiler, in bytes. Of 5,000 calls a thousand samples are taken and more, so chance is a few percent. */
const samplingInterval = 8 * 1024;

/** One contender's server and client, both in this process, for counting what calls leave to the garbage collector. */
export class Allocations implements AsyncDisposable {
  readonly #call: () => Promise<unknown>;
  readonly #close: () => Promise<void>;

  private constructor(call: () => Promise<unknown>, close: () => Promise<void>) {
    this.#call = call;
    this.#close = close;
  }

  /** Makes `calls` calls before, so that the code is compiled. */
  static async of(contender: Contender, calls: number): Promise<Allocations> {
    const serving = await contender.serve();
    const caller = await contender.connect(serving.address);
    const allocations = new Allocations(
      () => caller.call({ name: "world" }),
      async () => {
        await caller.close();
        await serving.close();
      },
    );
    await allocations.#run(calls);
    return allocations;
  }

  /** Bytes that client and server allocate for a call, together. Says nothing about time, and doesn't depend on it. */
  async perCall(calls: number): Promise<number> {
    const session = new Session();
    session.connect();
    await session.post("HeapProfiler.startSampling", {
      samplingInterval,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    await this.#run(calls);
    const { profile } = await session.post("HeapProfiler.stopSampling");
    session.disconnect();
    return bytesOf(profile.head) / calls;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  async #run(calls: number): Promise<void> {
    let left = calls;
    const lane = async (): Promise<void> => {
      while (left-- > 0) await this.#call();
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
  }
}

interface Allocated {
  readonly selfSize: number;
  readonly children: readonly Allocated[];
}

function bytesOf({ selfSize, children }: Allocated): number {
  return children.reduce((sum, child) => sum + bytesOf(child), selfSize);
}
