import type { Binary } from "@ts-micro/conformance";
import { goProgram } from "./go-program.ts";

/** A version of go-micro that ours is tested against. */
export interface GoMicro {
  /** How the tables name the directions. */
  readonly toGo: string;
  readonly fromGo: string;
  /** One of its programs in interop/go, which have the same names for all versions. */
  program(name: string): Binary;
  /** What its client encodes events in when nobody chooses. */
  readonly publishes: "application/json" | "application/protobuf";
}

export const v2: GoMicro = {
  toGo: "ts-micro → go-micro v2.9.1",
  fromGo: "go-micro v2.9.1 → ts-micro",
  program: (name) => goProgram("v2", name),
  publishes: "application/protobuf",
};

/** The column of services of ours that speak to each other. */
export const ours = "ts-micro → ts-micro";

/** v5.12.0, which stands for v6 too. */
export const v5: GoMicro = {
  toGo: "ts-micro → go-micro v5.12.0",
  fromGo: "go-micro v5.12.0 → ts-micro",
  program: (name) => goProgram("v5", name),
  publishes: "application/json",
};
