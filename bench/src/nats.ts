import { startNats } from "@ts-micro/conformance";

/** Starts nats-server for the processes that are started from now on, which find its address in `BENCH_NATS`. */
export async function withNats(): Promise<AsyncDisposable> {
  const server = await startNats();
  process.env.BENCH_NATS = server.address;
  return {
    async [Symbol.asyncDispose]() {
      delete process.env.BENCH_NATS;
      await server.stop();
    },
  };
}
