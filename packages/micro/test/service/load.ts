/**
 * Servers as processes of their own, and a client that never lets them rest.
 */
import { randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Attempt, CallOptions } from "../../src/client/client.ts";
import { MicroError } from "../../src/errors.ts";
import { newService, type ServiceOptions } from "../../src/service.ts";
import { type Child, startChild } from "./child.ts";

export interface Worker extends Child {
  readonly pid: number;
  readonly address: string;
}

/** A server of the service `name`, with the default parts. It answers when this resolves. */
export async function startWorker(
  t: TestContext,
  name: string,
  { argv = [], ...options }: Pick<ServiceOptions, "drain"> & { argv?: readonly string[] } = {},
): Promise<Worker> {
  const child = startChild(t, {
    source: `
      import { setTimeout as sleep } from "node:timers/promises";
      const service = newService({
        ...${JSON.stringify(options)},
        name: "${name}",
        afterStart: [() => console.log("up at " + service.server.address + ";")],
      });
      service.handle("Work", {
        Do: async ({ number, ms }) => {
          await sleep(ms);
          return { number, pid: process.pid };
        },
      });
      await service.run();`,
    argv: ["--server_address=127.0.0.1:0", ...argv],
  });
  const [, address = ""] = /up at (.*);/.exec(await child.printed(";")) ?? [];
  return { ...child, pid: child.process.pid ?? 0, address };
}

/** An attempt of a call, as the client made it. */
export interface Tried {
  /** Of the call. */
  readonly number: number;
  readonly address: string;
  /** On the clock of `performance.now()`, as `ended`. */
  readonly begun: number;
  readonly ended: number;
  readonly error: MicroError | undefined;
}

export interface Failure {
  readonly number: number;
  readonly error: unknown;
}

/** The client's side: a service of this process that only calls, with the default parts. */
export class Load {
  readonly name = `work-${randomUUID()}`;
  readonly failures: Failure[] = [];
  /** Answers so far, by the process that gave them. */
  readonly answers = new Map<number, number>();
  /** All attempts, in the order in which they ended. */
  readonly tried: Tried[] = [];
  /** Calls that have no answer yet. */
  inFlight = 0;
  /** The attempts of these that are under way, by address. */
  readonly #underWay = new Map<string, number>();
  readonly #options: CallOptions;
  readonly #callers: Promise<void>[] = [];
  readonly #service = newService({
    name: `${this.name}.client`,
    argv: [],
    env: {},
    wrapCall: [(next) => (attempt) => this.#record(attempt, next)],
  });
  #number = 0;
  #ending = false;

  /** @param options of each call */
  constructor(t: TestContext, options: CallOptions = {}) {
    this.#options = options;
    t.after(() => {
      // A closed client fails at once: callers that went on would never let anything else happen.
      this.#ending = true;
      return this.#service.stop();
    });
  }

  /** As many callers, each of which calls again as soon as it was answered. */
  begin(callers: number): void {
    for (let n = 0; n < callers; n++) this.#callers.push(this.#callOnAndOn());
  }

  /** One call more. Never rejects; its answer is checked. */
  async call(): Promise<void> {
    const number = this.#number++;
    this.inFlight++;
    try {
      const answer = await this.#service.client.call<{ number: number; pid: number }>({
        // Nothing here is about speed: this only ends a hang.
        timeoutMs: 60_000,
        ...this.#options,
        service: this.name,
        endpoint: "Work.Do",
        body: { number, ms: 40 + (number % 80) },
      });
      if (answer.number !== number) throw new Error(`call ${number} got the answer of ${answer.number}`);
      this.answers.set(answer.pid, this.answersOf(answer) + 1);
    } catch (error) {
      this.failures.push({ number, error });
    } finally {
      this.inFlight--;
    }
  }

  inFlightOn({ address }: { readonly address: string }): number {
    return this.#underWay.get(address) ?? 0;
  }

  answersOf({ pid }: { readonly pid: number }): number {
    return this.answers.get(pid) ?? 0;
  }

  /** Resolves once each of the processes has given as many answers more. */
  async answered(workers: readonly { readonly pid: number }[], more: number): Promise<void> {
    const wanted = workers.map((worker) => [worker, this.answersOf(worker) + more] as const);
    while (wanted.some(([worker, count]) => this.answersOf(worker) < count)) await sleep(5);
  }

  /** Resolves when the last call has ended. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#callers);
    while (this.inFlight > 0) await sleep(5);
  }

  async #callOnAndOn(): Promise<void> {
    while (!this.#ending) await this.call();
  }

  async #record(attempt: Attempt, call: (attempt: Attempt) => Promise<unknown>): Promise<unknown> {
    const { number } = attempt.request.body as { number: number };
    const { address } = attempt.node;
    const begun = performance.now();
    this.#underWay.set(address, this.inFlightOn({ address }) + 1);
    const record = (error?: MicroError): void => {
      this.#underWay.set(address, this.inFlightOn({ address }) - 1);
      this.tried.push({ number, address, begun, ended: performance.now(), error });
    };
    try {
      const answer = await call(attempt);
      record();
      return answer;
    } catch (error) {
      record(MicroError.from(error));
      throw error;
    }
  }
}
