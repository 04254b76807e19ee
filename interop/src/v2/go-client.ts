import assert from "node:assert/strict";
import { goProgram } from "../go-program.ts";
import { run } from "../program.ts";

const program = goProgram("v2", "client");

/** What `interop/go/v2/client` reads. */
export interface GoCall {
  service: string;
  /** The client doesn't wait until it has found the service. */
  unknown?: boolean;
  endpoint: string;
  requests: readonly object[];
  /** Opens a stream, on which each request but the last waits for an answer of its own. */
  stream?: boolean;
  /** With `stream`: how many answers there are. This version's client can't say that it sends no more. @default all that come */
  expect?: number;
  contentType?: string;
  /** As Go writes durations: `2s`. */
  timeout?: string;
  metadata?: Readonly<Record<string, string>>;
  /** A file of the authority to trust, for TLS. */
  ca?: string;
  /** Calls at a time. */
  calls?: number;
}

export interface GoOutcome {
  answers: object[];
  /** What the Go client got as its `errors.Error`. */
  error: { id?: string; code?: number; detail?: string; status?: string } | null;
  /** The text of an error that was none. */
  text: string;
}

/**
 * One call, or several, by go-micro v2.9.1's own client.
 *
 * @param flags go-micro's
 */
export async function goCall(call: GoCall, flags: readonly string[] = []): Promise<GoOutcome> {
  const { code, stdout, stderr } = await run(program.path, flags, JSON.stringify(call));
  assert.equal(code, 0, `the Go client ended with code ${code}:\n${stdout}${stderr}`);
  const { answers, error, text } = JSON.parse(stdout);
  return { answers: answers ?? [], error, text };
}
