/** Where the bench has started nats-server. */
export function natsAddress(): string {
  const address = process.env.BENCH_NATS;
  if (address === undefined)
    throw new Error("BENCH_NATS is not set; the bench starts nats-server and sets it");
  return address;
}
