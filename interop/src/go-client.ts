import { serve } from "./program.ts";

/** What the programs named `client` of interop/go read. */
export interface GoCall {
  service: string;
  /** The client doesn't wait until it has found the service. */
  unknown?: boolean;
  endpoint: string;
  /** @default one that is empty */
  requests?: readonly object[];
  /** Opens a stream, on which each request but the last waits for an answer of its own. */
  stream?: boolean;
  /** With `stream`: all is sent, and the end of it is told, before the answers are awaited. */
  closeSend?: boolean;
  /** With `stream`: how many answers there are. @default all that come */
  expect?: number;
  contentType?: string;
  /** As Go writes durations: `2s`. */
  timeout?: string;
  metadata?: Readonly<Record<string, string>>;
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

/** A client of go-micro's that goes on running: its connections, and what it knows of the registry, are kept. */
export interface GoClient extends AsyncDisposable {
  /** One call, or several. They are made one after the other. */
  call(call: GoCall): Promise<GoOutcome>;
}

/**
 * Starts one.
 *
 * @param flags go-micro's
 */
export async function startGoClient(
  program: { readonly path: string },
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<GoClient> {
  const running = await serve(program.path, flags, /^ready$/m, env);
  const lines = running.lines();
  let last: Promise<unknown> = Promise.resolve();
  const make = async (call: GoCall): Promise<GoOutcome> => {
    running.write(`${JSON.stringify({ requests: [{}], ...call })}\n`);
    const { done, value } = await lines.next();
    if (done) throw new Error(`the Go client ended:\n${running.printed().stderr}`);
    const { answers, error, text } = JSON.parse(value);
    return { answers: answers ?? [], error, text };
  };
  return {
    call(call) {
      const outcome = last.then(() => make(call));
      last = outcome.catch(() => {});
      return outcome;
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/**
 * One call, or several, by a client that has no connection yet.
 *
 * @param flags go-micro's
 */
export async function goCall(
  program: { readonly path: string },
  call: GoCall,
  flags: readonly string[] = [],
): Promise<GoOutcome> {
  await using client = await startGoClient(program, flags);
  // Awaited here, because the client ends with this function.
  return await client.call(call);
}
