/**
 * Records in PostgreSQL.
 *
 *     MICRO_STORE=postgres MICRO_STORE_ADDRESS=postgres://user:password@10.0.0.5/app node users.js
 */
import type { PluginConfig, PluginFlag } from "ts-micro/plugin";
import type { PostgresStoreOptions } from "./options.ts";
import { newStore } from "./store.ts";

export { newStore, type PostgresStoreOptions };

/** The variables are those of PostgreSQL's own programs. */
const flags: readonly (PluginFlag & { option: keyof PostgresStoreOptions })[] = [
  { name: "postgres_user", type: "string", env: "PGUSER", usage: "User for PostgreSQL", option: "user" },
  {
    name: "postgres_password",
    type: "string",
    env: "PGPASSWORD",
    usage: "Password of that user; other users of the machine can't see it in the variable",
    option: "password",
  },
  {
    name: "postgres_database",
    type: "string",
    env: "PGDATABASE",
    usage: "Database of PostgreSQL. Default: the user's name",
    option: "postgresDatabase",
  },
  { name: "postgres_tls", type: "bool", usage: "Use TLS with PostgreSQL", option: "secure" },
  {
    name: "postgres_tls_ca",
    type: "string",
    env: "PGSSLROOTCERT",
    usage: "PEM file of the authority that signed PostgreSQL's certificate; means TLS",
    option: "tlsCaFile",
  },
  {
    name: "postgres_tls_cert",
    type: "string",
    env: "PGSSLCERT",
    usage: "PEM file of our certificate for PostgreSQL; means TLS",
    option: "tlsCertFile",
  },
  {
    name: "postgres_tls_key",
    type: "string",
    env: "PGSSLKEY",
    usage: "PEM file of our certificate's key",
    option: "tlsKeyFile",
  },
];

export const Plugin: PluginConfig<"store"> = {
  name: "postgres",
  type: "store",
  path: "@ts-micro/store-postgres",
  newFunc: newStore,
  flags,
};
