export { type BrokerRecoverySetup, type BrokerRecoverySubject, brokerRecovery } from "./broker/recovery.ts";
export { type BrokerSubject, brokerConformance } from "./broker.ts";
export { type BrokerWorker, type BrokerWorkerOptions, startBrokerWorker } from "./broker-worker.ts";
export {
  type ClientServerSubject,
  type ClientServerSupports,
  clientServerConformance,
} from "./client-server.ts";
export { type CodecSubject, codecConformance } from "./codec.ts";
export {
  type RegistryEngine,
  type RegistryRecoverySubject,
  type RegistryRecoverySupports,
  registryRecovery,
} from "./registry/recovery.ts";
export { type RegistrySubject, type RegistrySupports, registryConformance } from "./registry.ts";
export { type Binary, requireBinary } from "./require-binary.ts";
export { type SelectorSubject, type SelectorSupports, selectorConformance } from "./selector.ts";
export { type ConsulOptions, consul, startConsul } from "./servers/consul.ts";
export { type EtcdOptions, etcd, startEtcd, startEtcdCluster } from "./servers/etcd.ts";
export { type KafkaOptions, kafka, startKafka } from "./servers/kafka.ts";
export { type KubernetesServer, kubernetes, startKubernetes } from "./servers/kubernetes.ts";
export { type MosquittoOptions, mosquitto, startMosquitto } from "./servers/mosquitto.ts";
export { type NatsOptions, nats, startNats, startNatsCluster } from "./servers/nats.ts";
export { type PostgresOptions, postgres, startPostgres } from "./servers/postgres.ts";
export { type RabbitmqOptions, type RabbitmqProcess, rabbitmq, startRabbitmq } from "./servers/rabbitmq.ts";
export { type RedisOptions, redis, startRedis } from "./servers/redis.ts";
export {
  type ServerCluster,
  type ServerProcess,
  type ServerProgram,
  startServerProcess,
} from "./servers/server-process.ts";
export { type SilenceableProxy, startSilenceableProxy } from "./servers/silenceable-proxy.ts";
export { type StoreRecoverySubject, storeRecovery } from "./store/recovery.ts";
export { type StoreSubject, type StoreSupports, storeConformance } from "./store.ts";
export { certificate, type TlsFixture, tlsFixture } from "./tls-fixture.ts";
export { type TransportSubject, transportConformance } from "./transport.ts";
