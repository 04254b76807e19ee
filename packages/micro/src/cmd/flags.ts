/**
 * What a flag is. The framework's own and those that plugins bring are the same kind of value.
 */

export type FlagType = "string" | "int" | "duration" | "seconds" | "list" | "pairs" | "bool";

export interface Flag {
  /** With underscores, as go-micro's: `client_request_timeout`. */
  readonly name: string;
  readonly type: FlagType;
  /** One line for `--help`. */
  readonly usage: string;
  /** @default `MICRO_` and the name in capitals */
  readonly env?: string;
}
