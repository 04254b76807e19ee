import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { appendFile, chmod, chown, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Binary, requireBinary } from "../require-binary.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** Where PostgreSQL is, or why tests with it are skipped. Debian keeps it outside of `PATH`. */
export const postgres = (): Binary =>
  requireBinary("postgres", "apt-get install postgresql", {
    ...process.env,
    PATH: [...debianFolders(), process.env.PATH ?? ""].join(delimiter),
  });

export interface PostgresOptions {
  /** PEM texts: TLS is offered, and demanded from clients. */
  tls?: { cert: string; key: string };
  /** The password that the user `postgres` needs. @default none is asked for */
  password?: string;
  /** It follows another server, here one that isn't there: it answers questions and changes nothing. */
  standby?: boolean;
  /** More arguments for postgres, such as `["-c", "max_connections=5"]`. */
  args?: readonly string[];
}

/** One PostgreSQL with the superuser `postgres`. What it has answered outlives its process, but not the machine's. */
export function startPostgres({
  tls,
  password,
  standby,
  args = [],
}: PostgresOptions = {}): Promise<ServerProcess> {
  const runAs = process.getuid?.() === 0 ? unprivileged() : undefined;
  return startServerProcess({
    path: postgres().path,
    ports: 1,
    ...(runAs !== undefined && { runAs }),
    async initialise(data) {
      const initdb = join(dirname(postgres().path), "initdb");
      const options = ["-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "--auth=trust"];
      await promisify(execFile)(initdb, options, { cwd: dirname(data), ...runAs });
      const file = async (name: string, text: string): Promise<void> => {
        await writeFile(join(data, name), text);
        await chmod(join(data, name), 0o600);
        if (runAs !== undefined) await chown(join(data, name), runAs.uid, runAs.gid);
      };
      if (password !== undefined) {
        const setting = `ALTER USER postgres PASSWORD '${password.replaceAll("'", "''")}';\n`;
        const single = execFile(postgres().path, ["--single", "-D", data, "postgres"], {
          cwd: data,
          ...runAs,
        });
        single.stdin?.end(setting);
        await new Promise((resolve) => single.once("exit", resolve));
      }
      const method = password === undefined ? "trust" : "scram-sha-256";
      await file("pg_hba.conf", `${tls === undefined ? "host" : "hostssl"} all all 127.0.0.1/32 ${method}\n`);
      if (standby === true) await file("standby.signal", "");
      if (tls === undefined) return;
      await file("server.pem", tls.cert);
      await file("server-key.pem", tls.key);
      const settings = ["ssl = on", "ssl_cert_file = 'server.pem'", "ssl_key_file = 'server-key.pem'"];
      await appendFile(join(data, "postgresql.conf"), settings.map((line) => `${line}\n`).join(""));
    },
    args: ([port], data) => [
      ...[
        "-D",
        data,
        "-p",
        String(port),
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        "unix_socket_directories=",
      ],
      // A process that is killed loses nothing by it: the system has what was written.
      ...["-c", "fsync=off", "-c", "shared_buffers=16MB"],
      ...args,
    ],
    // The processes of one that was killed end a moment later.
    notYet: /shared memory block .* is still in use|lock file "postmaster.pid" already exists/,
    probe,
  });
}

function debianFolders(): string[] {
  const versions = "/usr/lib/postgresql";
  return existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, "bin")) : [];
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid: number; gid: number } {
  const idOf = (user: string, flag: string): number => Number(execFileSync("id", [flag, user]).toString());
  for (const user of ["postgres", "nobody"]) {
    try {
      return { uid: idOf(user, "-u"), gid: idOf(user, "-g") };
    } catch {
      // There is no such user here.
    }
  }
  throw new Error("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody");
}

/** It asks for the password or says that it is ready: a server that is still starting says an error. */
function probe(address: string): Promise<void> {
  const [host, port] = address.split(":");
  const start = Buffer.from("\0\0\0\0\0\x03\0\0user\0postgres\0database\0postgres\0\0");
  start.writeUInt32BE(start.length, 0);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    const end = (failure?: Error): void => {
      socket.destroy();
      if (failure === undefined) resolve();
      else reject(failure);
    };
    socket.setTimeout(1_000, () => end(new Error("it says nothing")));
    socket.once("error", end);
    socket.once("connect", () => socket.write(start));
    socket.once("data", (bytes) => {
      const text = bytes.toString("latin1");
      // Only TLS is let in: that it says so means that it is up.
      if (text.startsWith("R") || text.includes("pg_hba.conf")) end();
      else end(new Error(text.replaceAll("\0", " ")));
    });
  });
}
