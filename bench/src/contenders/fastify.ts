import { fastify } from "fastify";
import { Pool } from "undici";
import { type Answer, answerTo, type Contender, type Question } from "../contender.ts";

/** JSON over HTTP/1.1: Fastify serves, a pool of undici calls. */
export const fastifyUndici: Contender = {
  async serve() {
    const app = fastify();
    app.post<{ Body: Question }>("/hello", async ({ body }) => answerTo(body));
    await app.listen({ host: "127.0.0.1", port: 0 });
    return { address: app.listeningOrigin.replace("http://", ""), close: () => app.close() };
  },

  async connect(address) {
    const pool = new Pool(`http://${address}`);
    const request = {
      path: "/hello",
      method: "POST",
      headers: { "content-type": "application/json" },
    } as const;
    return {
      async call(question) {
        const { body } = await pool.request({ ...request, body: JSON.stringify(question) });
        return (await body.json()) as Answer;
      },
      close: () => pool.close(),
    };
  },
};
