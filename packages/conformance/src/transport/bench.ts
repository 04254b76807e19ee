import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Listener, ListenOptions, Socket, Transport, TransportOptions } from "ts-micro/transport";
import type { TransportSubject } from "../transport.ts";
import { Recorder, turn } from "./recorder.ts";
import { message } from "./sample.ts";

/** What every test of the suite works with. */
export interface TransportBench {
  /** A test that closes what it has opened, and that fails when a socket told something after its close. */
  test(title: string, run: (tools: TransportTools) => Promise<void>): void;
}

export function newTransportBench(subject: TransportSubject): TransportBench {
  const timeout = subject.timeoutMs ?? 30_000;
  before(async () => subject.start?.());
  after(async () => subject.stop?.());
  return {
    test(title, run) {
      test(title, { timeout, skip: subject.skip?.[title] ?? false }, async () => {
        const tools = new TransportTools(subject);
        try {
          await run(tools);
          await turn();
          assert.deepEqual(tools.violations(), []);
        } finally {
          await tools.end();
        }
      });
    },
  };
}

interface ConnectionOptions {
  maxMessageBytes?: number;
  pauseAtOnce?: boolean;
  signal?: AbortSignal;
  protocols?: ListenOptions["protocols"];
}

export interface Connection {
  client: Recorder;
  server: Recorder;
  listener: Listener;
}

/** What one test has opened, to be closed at its end whatever happens. */
export class TransportTools {
  /** Where to listen for a free place. */
  readonly anywhere: string;
  readonly #subject: TransportSubject;
  readonly #ends: (() => unknown)[] = [];
  readonly #recorders: Recorder[] = [];

  constructor(subject: TransportSubject) {
    this.anywhere = subject.address ?? "127.0.0.1:0";
    this.#subject = subject;
  }

  transport(options: TransportOptions = {}): Transport {
    const transport = this.#subject.create(options);
    this.onEnd(() => transport.close());
    return transport;
  }

  async listen(address = this.anywhere): Promise<Listener> {
    const listener = await this.transport().listen(address, (socket) => this.#record(socket));
    this.onEnd(() => listener.close());
    return listener;
  }

  /** Two ends that are connected. The hello that makes a listener aware of its client is not recorded. */
  async connection(options: ConnectionOptions = {}): Promise<Connection> {
    const { maxMessageBytes, pauseAtOnce = false, signal, protocols } = options;
    const transport = this.transport(maxMessageBytes === undefined ? {} : { maxMessageBytes });
    let accepted: (end: Recorder) => void = () => {};
    const accepting = new Promise<Recorder>((resolve) => {
      accepted = resolve;
    });
    const listener = await transport.listen(
      this.anywhere,
      (socket) => {
        const end = this.#record(socket);
        end.onHello = () => accepted(end);
        if (pauseAtOnce) {
          socket.pause();
          accepted(end);
        }
        return end;
      },
      protocols === undefined ? {} : { protocols },
    );
    this.onEnd(() => listener.close());
    const client = this.#record();
    const socket = await transport.dial(listener.address, client, signal === undefined ? {} : { signal });
    client.socket = socket;
    this.onEnd(() => socket.destroy());
    socket.send(message("hello"));
    return { client, server: await accepting, listener };
  }

  onEnd(run: () => unknown): void {
    this.#ends.push(run);
  }

  violations(): string[] {
    return this.#recorders.flatMap((recorder) => recorder.violations);
  }

  async end(): Promise<void> {
    for (const run of this.#ends.reverse()) await run();
  }

  #record(socket?: Socket): Recorder {
    const recorder = new Recorder(socket);
    this.#recorders.push(recorder);
    if (socket !== undefined) this.onEnd(() => socket.destroy());
    return recorder;
  }
}
