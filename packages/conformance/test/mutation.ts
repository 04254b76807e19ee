/**
 * A list of small mistakes, put into compiled parts one at a time, that the conformance suites must notice. Each
 * file in `mutations/` exports one as `mutations`.
 */
export interface MutationList<Module> {
  /** The compiled module with the factories, below ts-micro's `dist/src`: `broker/index.js`. */
  entry: string;
  /** Runs the suites that must notice, over the module as it is given. Keep their time limits short. */
  suite: (module: Module) => void;
  mutations: readonly Mutation[];
}

/** In the compiled `file` the `search` text, found exactly once, is replaced: a mistake for the reason `why`. */
export type Mutation = readonly [file: string, search: string, replace: string, why: string];
