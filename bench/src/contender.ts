/** One way to make the same call: `{ name }` goes out, `{ msg: "hello " + name }` comes back. */
export interface Contender {
  serve(): Promise<Serving>;
  connect(address: string): Promise<Caller>;
}

export interface Serving {
  /** `host:port`. */
  address: string;
  close(): Promise<void>;
}

export interface Caller {
  /** Resolves with the answer's `msg`. */
  call(name: string): Promise<string>;
  /** A stream on which requests and answers take turns. Contenders without streams have none. */
  open?(): Promise<Turns>;
  close(): Promise<void>;
}

export interface Turns {
  call(name: string): Promise<string>;
  close(): Promise<void>;
}
