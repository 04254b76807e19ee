import type { PluginFlag } from "ts-micro/plugin";
import type { KafkaBrokerOptions } from "./options.ts";

export const kafkaFlags: readonly (PluginFlag & { option: keyof KafkaBrokerOptions })[] = [
  { name: "kafka_user", type: "string", usage: "User for Kafka", option: "user" },
  {
    name: "kafka_password",
    type: "string",
    usage: "Password for Kafka; prefer the variable, other users can read command lines",
    option: "password",
  },
  {
    name: "kafka_sasl_mechanism",
    type: "string",
    usage: "How Kafka is shown them: plain, scram-sha-256 or scram-sha-512. Default: plain",
    option: "saslMechanism",
  },
  { name: "kafka_tls", type: "bool", usage: "Use TLS with Kafka", option: "secure" },
  {
    name: "kafka_tls_ca",
    type: "string",
    usage: "PEM file of the authority that signed Kafka's certificate",
    option: "tlsCaFile",
  },
  {
    name: "kafka_tls_cert",
    type: "string",
    usage: "PEM file of our certificate for Kafka",
    option: "tlsCertFile",
  },
  { name: "kafka_tls_key", type: "string", usage: "PEM file of our certificate's key", option: "tlsKeyFile" },
  {
    name: "kafka_partitions",
    type: "int",
    usage: "Partitions of topics that are made. Default: as the cluster says",
    option: "partitions",
  },
  {
    name: "kafka_retry_topic",
    type: "bool",
    usage: "Messages of queues wait for their retries in a topic of their own, out of the others' way",
    option: "retryTopic",
  },
  {
    name: "kafka_session_timeout",
    type: "duration",
    usage: "Silence after which a queue's member loses its partitions. Default: 10s",
    option: "sessionTimeoutMs",
  },
];
