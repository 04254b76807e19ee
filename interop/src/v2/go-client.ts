import { type GoCall, type GoOutcome, startGoClient } from "../go-client.ts";
import { v2 } from "../go-micro.ts";

/**
 * One call, or several, by a client of go-micro v2.9.1 that has no connection yet.
 *
 * @param flags go-micro's
 * @param ca a file of the authority to trust, for TLS
 */
export async function goCall(call: GoCall, flags: readonly string[] = [], ca = ""): Promise<GoOutcome> {
  await using client = await startGoClient(v2.program("client"), flags, { TLS_CA: ca });
  // Awaited here, because the client ends with this function.
  return await client.call(call);
}
