import { connect } from "@nats-io/transport-node";
import { type Answer, answerTo, type Contender, type Question } from "../contender.ts";
import { natsAddress } from "./nats-address.ts";

const subject = "bench.hello";

/** The NATS client's own request and answer, JSON. No names but the subject, no errors but its own. */
export const natsRequest: Contender = {
  async serve() {
    const nats = await connect({ servers: natsAddress() });
    nats.subscribe(subject, {
      callback: (_, message) => void message.respond(JSON.stringify(answerTo(message.json<Question>()))),
    });
    await nats.flush();
    return { address: "nats", close: () => nats.close() };
  },

  async connect() {
    const nats = await connect({ servers: natsAddress() });
    return {
      async call(question) {
        const answer = await nats.request(subject, JSON.stringify(question));
        return answer.json<Answer>();
      },
      close: () => nats.close(),
    };
  },
};
