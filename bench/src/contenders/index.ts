import type { Contender } from "../contender.ts";
import { bare } from "./bare.ts";
import { connectNode } from "./connect-node.ts";
import { grpc } from "./grpc.ts";
import { grpcJs } from "./grpc-js.ts";
import { http2 } from "./http2.ts";
import { mucp } from "./mucp.ts";

export const contenders: Readonly<Record<string, Contender>> = { bare, mucp };

/** The same work over HTTP/2: `npm run bench grpc`. */
export const grpcContenders: Readonly<Record<string, Contender>> = {
  "grpc-js": grpcJs,
  "connect-node": connectNode,
  http2,
  grpc,
};
