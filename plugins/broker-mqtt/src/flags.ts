import type { PluginFlag } from "ts-micro/plugin";
import type { MqttBrokerOptions } from "./options.ts";

export const mqttFlags: readonly (PluginFlag & { option: keyof MqttBrokerOptions })[] = [
  { name: "mqtt_user", type: "string", usage: "User for MQTT", option: "user" },
  {
    name: "mqtt_password",
    type: "string",
    usage: "Password for MQTT; prefer the variable, other users can read command lines",
    option: "password",
  },
  { name: "mqtt_tls", type: "bool", usage: "Use TLS with MQTT", option: "secure" },
  {
    name: "mqtt_tls_ca",
    type: "string",
    usage: "PEM file of the authority that signed the MQTT server's certificate",
    option: "tlsCaFile",
  },
  {
    name: "mqtt_tls_cert",
    type: "string",
    usage: "PEM file of our certificate for MQTT",
    option: "tlsCertFile",
  },
  { name: "mqtt_tls_key", type: "string", usage: "PEM file of our certificate's key", option: "tlsKeyFile" },
  {
    name: "mqtt_version",
    type: "int",
    usage: "MQTT's version: 5, or 4 for 3.1.1, without queues. Default: 5",
    option: "protocolVersion",
  },
  { name: "mqtt_qos", type: "int", usage: "MQTT's quality of service: 0, 1 or 2. Default: 1", option: "qos" },
  {
    name: "mqtt_client_id",
    type: "string",
    usage: "Name of this process, for which the server keeps messages while it is away",
    option: "clientId",
  },
  {
    name: "mqtt_keep_alive",
    type: "duration",
    usage: "Time between pings to MQTT; a silent server is given up after three. Default: 5s",
    option: "keepAliveMs",
  },
];
