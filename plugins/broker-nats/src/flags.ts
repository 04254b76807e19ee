import { natsFlags } from "@ts-micro/nats-connection";
import type { PluginFlag } from "ts-micro/plugin";
import type { NatsBrokerOptions } from "./options.ts";

export const brokerFlags: readonly (PluginFlag & { option: keyof NatsBrokerOptions })[] = [
  ...natsFlags,
  {
    name: "nats_jetstream",
    type: "bool",
    usage: "Deliver at least once, by NATS's JetStream",
    option: "jetstream",
  },
  {
    name: "nats_jetstream_replicas",
    type: "int",
    usage: "How many servers of a cluster have each stream that is made. Default: 1",
    option: "streamReplicas",
  },
  {
    name: "nats_jetstream_ack_wait",
    type: "duration",
    usage: "When a message of a process that died goes to another one. Default: 30s",
    option: "ackWaitMs",
  },
];
