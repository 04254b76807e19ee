import { ServiceBroker } from "moleculer";
import { type Answer, answerTo, type Contender, type Question } from "../contender.ts";

/** Moleculer over its TCP transporter, JSON. Nodes are told of each other by address instead of UDP. */
export const moleculer: Contender = {
  async serve() {
    const broker = newBroker("server", []);
    broker.createService({
      name: "bench",
      actions: { hello: ({ params }: { params: Question }) => answerTo(params) },
    });
    await broker.start();
    const { port } = broker.getLocalNodeInfo() as unknown as { port: number };
    return { address: `127.0.0.1:${port}`, close: () => broker.stop() };
  },

  async connect(address) {
    const broker = newBroker("client", [`${address}/server`]);
    await broker.start();
    await broker.waitForServices("bench");
    return {
      call: (question) => broker.call<Answer, Question>("bench.hello", question),
      close: () => broker.stop(),
    };
  },
};

function newBroker(nodeID: string, urls: string[]): ServiceBroker {
  return new ServiceBroker({
    nodeID,
    logger: false,
    transporter: { type: "TCP", options: { udpDiscovery: false, urls } },
  });
}
