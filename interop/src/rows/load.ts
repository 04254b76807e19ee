/** Calls without pause, by a client of ours or of go-micro. */
import { setTimeout as pause } from "node:timers/promises";
import { MicroError } from "ts-micro";
import type { CallOptions, TypedClient } from "ts-micro/client";
import type { Greeter } from "../gen/greeter/greeter_pb.ts";
import type { GoMicro } from "../go-micro.ts";
import { serve } from "../program.ts";

export interface Load extends AsyncDisposable {
  /** Of each call that has ended: `ok`, `wrong` for an answer to another call, or `failed` and why. */
  outcomes(): readonly string[];
}

export async function loadByGo(go: GoMicro, service: string, flags: readonly string[]): Promise<Load> {
  const program = await serve(go.program("load").path, flags, /\n/, { SERVICE: service });
  return {
    outcomes: () => program.printed().stdout.split("\n").slice(0, -1),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

const callers = 8;
/** A caller's time between two calls, in milliseconds. The same as that of the Go program. */
const pauseMs = 10;

export function loadByOurs(greeter: TypedClient<typeof Greeter>, options: CallOptions = {}): Load {
  const outcomes: string[] = [];
  let stopped = false;
  const running = Array.from({ length: callers }, async (_, caller) => {
    for (let count = caller; !stopped; count += callers) {
      outcomes.push(
        await greeter.hello({ count }, options).then(
          (answer) => (answer.count === count ? "ok" : "wrong"),
          (thrown: unknown) => `failed ${MicroError.is(thrown) ? "" : "without a MicroError: "}${thrown}`,
        ),
      );
      await pause(pauseMs);
    }
  });
  return {
    outcomes: () => outcomes,
    async [Symbol.asyncDispose]() {
      stopped = true;
      await Promise.all(running);
    },
  };
}
