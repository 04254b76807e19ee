import type { Contender } from "../contender.ts";
import { bare } from "./bare.ts";
import { mucp } from "./mucp.ts";

export const contenders: Readonly<Record<string, Contender>> = { bare, mucp };
