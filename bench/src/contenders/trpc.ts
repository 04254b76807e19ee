import type { AddressInfo } from "node:net";
import { createTRPCClient, httpLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import { answerTo, type Contender, type Question } from "../contender.ts";

const { procedure, router } = initTRPC.create();
const hello = procedure
  .input((question: unknown) => question as Question)
  .mutation(({ input }) => answerTo(input));
const routes = router({ hello });

/** JSON over HTTP/1.1: its standalone server, and its client with one request for each call. */
export const trpc: Contender = {
  async serve() {
    const server = createHTTPServer({ router: routes });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return {
      address: `127.0.0.1:${port}`,
      async close() {
        server.close();
        server.closeAllConnections();
      },
    };
  },

  async connect(address) {
    const client = createTRPCClient<typeof routes>({ links: [httpLink({ url: `http://${address}` })] });
    return {
      async call(question) {
        const { msg, data } = await client.hello.mutate(question);
        return typeof data === "string" ? { msg, data } : { msg };
      },
      close: async () => {},
    };
  },
};
