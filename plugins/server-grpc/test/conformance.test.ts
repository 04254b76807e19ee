import { type ClientServerSubject, clientServerConformance } from "@ts-micro/conformance";
import { newServer } from "../src/index.ts";

// By a name that the compiler doesn't see: the client's project refers to this one, and projects go in no circle.
const client: string = "@ts-micro/client-grpc";
const { newClient } = (await import(client)) as Pick<ClientServerSubject, "newClient">;

clientServerConformance("grpc, as the server's suite", {
  newClient,
  newServer,
  // In gRPC a call is a stream with one message each way, and looks no different.
  supports: { streamsAreMarked: false },
});
