import type { PluginFlag } from "ts-micro/plugin";
import type { RabbitmqBrokerOptions } from "./options.ts";

export const rabbitmqFlags: readonly (PluginFlag & { option: keyof RabbitmqBrokerOptions })[] = [
  { name: "rabbitmq_user", type: "string", usage: "User for RabbitMQ. Default: guest", option: "user" },
  {
    name: "rabbitmq_password",
    type: "string",
    usage: "Password for RabbitMQ; prefer the variable, other users can read command lines",
    option: "password",
  },
  { name: "rabbitmq_vhost", type: "string", usage: "Virtual host of RabbitMQ. Default: /", option: "vhost" },
  { name: "rabbitmq_tls", type: "bool", usage: "Use TLS with RabbitMQ", option: "secure" },
  {
    name: "rabbitmq_tls_ca",
    type: "string",
    usage: "PEM file of the authority that signed RabbitMQ's certificate",
    option: "tlsCaFile",
  },
  {
    name: "rabbitmq_tls_cert",
    type: "string",
    usage: "PEM file of our certificate for RabbitMQ",
    option: "tlsCertFile",
  },
  {
    name: "rabbitmq_tls_key",
    type: "string",
    usage: "PEM file of our certificate's key",
    option: "tlsKeyFile",
  },
  {
    name: "rabbitmq_exchange",
    type: "string",
    usage: "Topic exchange that all messages go through. Default: micro",
    option: "exchange",
  },
  {
    name: "rabbitmq_queues",
    type: "string",
    usage: "What queues are: quorum, classic, go-micro or go-micro-durable. Default: quorum",
    option: "queues",
  },
  {
    name: "rabbitmq_heartbeat",
    type: "duration",
    usage: "Time between heartbeats; a silent RabbitMQ is given up after three. Default: 5s",
    option: "heartbeatMs",
  },
];
