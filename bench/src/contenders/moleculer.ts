import {
  type ActionHandler,
  type BrokerOptions,
  type CallMiddlewareHandler,
  type Context,
  type Middleware,
  ServiceBroker,
} from "moleculer";
import { type Answer, answerTo, type Caller, type Contender, type Question } from "../contender.ts";
import { natsAddress } from "./nats-address.ts";

const helloService = {
  name: "bench",
  actions: { hello: ({ params }: { params: Question }) => answerTo(params) },
};

const wrapper: Middleware = {
  call:
    (next: CallMiddlewareHandler): CallMiddlewareHandler =>
    async (action, params, options) =>
      await next(action, params, options),
  localAction: (next: ActionHandler) => async (context: Context) => await next(context),
};

/** Moleculer over its TCP transporter, JSON. */
export const moleculer = overTcp({});

/** The same with bodies in MessagePack, for bytes. */
export const moleculerNotepack = overTcp({ serializer: "Notepack" });

/** The same with a middleware around calls and one around actions, which do nothing but await. */
export const moleculerWrapped = overTcp({ middlewares: [wrapper] });

/** Moleculer over NATS, JSON. */
export const moleculerNats: Contender = {
  async serve() {
    const broker = overNats("server");
    broker.createService(helloService);
    await broker.start();
    return { address: "nats", close: () => broker.stop() };
  },

  async connect() {
    const broker = overNats("client");
    await broker.start();
    return callerOf(broker);
  },
};

/** A call of an action of the same process. */
export const moleculerLocal = inProcess({});

/** The same with a deadline, which ours always has. */
export const moleculerLocalTimeout = inProcess({ requestTimeout: 5_000 });

function inProcess(options: BrokerOptions): Contender {
  return {
    serve: async () => ({ address: "", close: async () => {} }),

    async connect() {
      const broker = new ServiceBroker({ logger: false, ...options });
      broker.createService(helloService);
      await broker.start();
      return {
        call: (question) => broker.call<Answer, Question>("bench.hello", question),
        close: () => broker.stop(),
      };
    },
  };
}

/** Nodes are told of each other by address instead of UDP. */
function overTcp(options: BrokerOptions): Contender {
  const newBroker = (nodeID: string, urls: string[]): ServiceBroker =>
    new ServiceBroker({
      nodeID,
      logger: false,
      transporter: { type: "TCP", options: { udpDiscovery: false, urls } },
      ...options,
    });
  return {
    async serve() {
      const broker = newBroker("server", []);
      broker.createService(helloService);
      await broker.start();
      const { port } = broker.getLocalNodeInfo() as unknown as { port: number };
      return { address: `127.0.0.1:${port}`, close: () => broker.stop() };
    },

    async connect(address) {
      const broker = newBroker("client", [`${address}/server`]);
      await broker.start();
      return callerOf(broker);
    },
  };
}

function overNats(nodeID: string): ServiceBroker {
  return new ServiceBroker({ nodeID, logger: false, transporter: `nats://${natsAddress()}` });
}

async function callerOf(broker: ServiceBroker): Promise<Caller> {
  await broker.waitForServices("bench");
  return {
    call: (question) => broker.call<Answer, Question>("bench.hello", question),
    close: () => broker.stop(),
  };
}
