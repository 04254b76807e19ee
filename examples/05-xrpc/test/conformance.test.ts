import { clientServerConformance } from "@ts-micro/conformance";
import { newClient, newServer } from "../src/index.ts";

clientServerConformance("xrpc", { newClient, newServer, supports: { streams: false, schemas: false } });
