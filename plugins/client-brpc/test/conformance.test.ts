import { clientServerConformance } from "@ts-micro/conformance";
import { load } from "ts-micro/plugin";
import type { Server, ServerOptions } from "ts-micro/server";
import { newClient } from "../src/index.ts";

// By name, as a service chooses it: the server's own tests import this package, and can't be imported in turn.
const { newFunc } = await load("@ts-micro/server-brpc");
const newServer = newFunc as (options: ServerOptions) => Server;

clientServerConformance("brpc", { newClient, newServer, supports: { streams: false, cancellation: false } });
