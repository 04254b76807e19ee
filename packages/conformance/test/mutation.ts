/**
 * A list of small mistakes, put into compiled parts one at a time, that the conformance suites must notice. Each
 * file in `mutations/` exports one as `mutations`.
 */
export interface MutationList<Exports> {
  /** The compiled modules with the factories, below ts-micro's `dist/src`: `broker/index.js`. */
  entries: readonly string[];
  /** Runs the suites that must notice, over what the modules export. Keep their time limits short. */
  suite: (exports: Exports) => void;
  mutations: readonly Mutation[];
}

/** In the compiled `file` the `search` text, found exactly once, is replaced: a mistake for the reason `why`. */
export type Mutation = readonly [file: string, search: string, replace: string, why: string];
