import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientWrapper } from "../../src/client/client.ts";
import { defaultNames, tables } from "../../src/cmd/defaults.ts";
import { MicroError, UsageError } from "../../src/errors.ts";
import { type Kind, kindNames } from "../../src/kinds.ts";
import { newLogger } from "../../src/logger.ts";
import { init, PluginError } from "../../src/plugin/index.ts";
import { newService, type ServiceOptions } from "../../src/service.ts";
import { newRecorder, type Recorder, uniqueName } from "./recorder.ts";

/** Everything that a test doesn't say itself is empty. */
const alone = { argv: [], env: {}, logger: newLogger({ write: () => {} }) } satisfies ServiceOptions;

/** Writes an implementation of `kind` into the table of the process and gives its name. */
function plug(recorder: Recorder, kind: Kind): string {
  const name = uniqueName(kind);
  const table: Record<string, unknown> = tables[kind];
  table[name] = recorder.factory(kind, name);
  return name;
}

/** A name per kind, all chosen in code. */
function plugAll(recorder: Recorder): { [K in Kind]: string } {
  return {
    client: plug(recorder, "client"),
    server: plug(recorder, "server"),
    registry: plug(recorder, "registry"),
    broker: plug(recorder, "broker"),
    selector: plug(recorder, "selector"),
    transport: plug(recorder, "transport"),
    store: plug(recorder, "store"),
  };
}

test("a part can be given in code by name, as a factory, and made already", async () => {
  const recorder = newRecorder();
  const name = plug(recorder, "broker");
  const byName = newService({ ...alone, broker: name });
  assert.equal(byName.broker.name, name);
  const byFactory = newService({ ...alone, broker: recorder.factory("broker", "f") });
  assert.equal(byFactory.broker.name, "f");
  const made = recorder.factory("broker", "m")({});
  const byInstance = newService({ ...alone, broker: made });
  assert.equal(byInstance.broker, made);
  for (const service of [byName, byFactory, byInstance]) {
    await service.init();
    await service.stop();
  }
});

for (const kind of kindNames) {
  test(`--${kind} and its variable win over code, and nothing is built that was not chosen`, async () => {
    const recorder = newRecorder();
    const inCode = plug(recorder, kind);
    const chosen = plug(recorder, kind);
    for (const more of [
      { argv: [`--${kind}=${chosen}`] },
      { env: { [`MICRO_${kind.toUpperCase()}`]: chosen } },
      { argv: [`--${kind}`, chosen], env: { [`MICRO_${kind.toUpperCase()}`]: "nonsense" } },
    ]) {
      recorder.events.length = 0;
      const service = newService({ ...alone, [kind]: inCode, ...more });
      await service.init();
      assert.equal(service[kind].name, chosen);
      assert.deepEqual(recorder.events, [`${kind} ${chosen} built`]);
      await service.stop();
    }
  });

  test(`an unknown ${kind} is an error that lists the known ones and says how another is found`, async () => {
    for (const more of [{ argv: [`--${kind}=nosuch`] }, { [kind]: "nosuch" }]) {
      const service = newService({ ...alone, ...more });
      await assert.rejects(service.init(), (error) => {
        assert.ok(PluginError.is(error));
        assert.equal(error.code, "PLUGIN_NAME_UNKNOWN");
        assert.ok(error.message.startsWith(`${kind[0]?.toUpperCase()}${kind.slice(1)} nosuch not found`));
        assert.match(error.message, /known: /);
        for (const known of Object.keys(tables[kind])) assert.ok(error.message.includes(known));
        assert.match(error.message, /plugins loaded: /);
        assert.match(error.cure, /^A plugin of somebody else .* --plugin=<path or package>/);
        assert.doesNotMatch(error.message, /npm install/);
        return true;
      });
    }
  });
}

test("a name that is no key never becomes a package's name", async () => {
  for (const name of ["../x", "A", "a/b", "constructor", "__proto__", "a b"]) {
    const service = newService({ ...alone, argv: [`--broker=${name}`] });
    await assert.rejects(
      service.init(),
      (error) => PluginError.is(error) && error.code === "PLUGIN_NAME_UNKNOWN",
    );
  }
});

test("what the program set up stays when a flag swaps client and server", async () => {
  const recorder = newRecorder();
  const names = plugAll(recorder);
  const [client, server] = [plug(recorder, "client"), plug(recorder, "server")];
  const seen: string[] = [];
  const registerCheck = (): void => {};
  const service = newService({
    ...alone,
    ...names,
    name: "greeter",
    version: "7",
    metadata: { zone: "a" },
    registerCheck,
    argv: [`--client=${client}`, `--server=${server}`],
    wrapClient: [
      ...["outer", "inner"].map(
        (which): ClientWrapper =>
          (next) => ({
            ...next,
            call: (request) => {
              seen.push(which);
              return next.call(request);
            },
          }),
      ),
    ],
  });
  const kept = { client: service.client, server: service.server };
  service.handle("Greeter", { Hello: () => "hello" });
  service.subscribe("news", () => {});
  assert.equal(kept.client.name, names.client);
  assert.equal(kept.server.name, names.server);

  await service.start();
  service.handle("Later", { Hello: () => "hello" });
  assert.equal(kept.client.name, client);
  assert.equal(kept.server.name, server);
  await kept.client.call({ service: "s", endpoint: "E.M" });
  assert.deepEqual(seen, ["outer", "inner"]);
  const got = recorder.handlers.get(server) ?? [];
  assert.deepEqual(got.filter((name) => name !== "Debug").toSorted(), ["Greeter", "Later", "news"]);
  const { name, version, metadata, registerCheck: check, parts } = recorder.options.get(server) ?? {};
  assert.deepEqual(
    { name, version, metadata, check },
    { name: "greeter", version: "7", metadata: { zone: "a" }, check: registerCheck },
  );
  assert.equal(Reflect.get(Object(parts), "registry"), service.registry);
  assert.equal(service.registry.name, names.registry);
  assert.ok(
    recorder.events.includes(`client ${names.client} closed`),
    "the client that was swapped out is closed",
  );
  await service.stop();
});

test("the present part stays when the chosen factory built it", async () => {
  const recorder = newRecorder();
  const name = plug(recorder, "broker");
  const service = newService({ ...alone, broker: name, argv: [`--broker=${name}`] });
  const before = service.broker;
  await service.init();
  assert.equal(service.broker, before);
  assert.deepEqual(recorder.events, [`broker ${name} built`]);
  await service.stop();
});

test("a plugin that overrides a default is the default, also when the old one was in use", async (t) => {
  const recorder = newRecorder();
  const before = tables.selector[defaultNames.selector];
  t.after(() => {
    if (before === undefined) delete tables.selector[defaultNames.selector];
    else tables.selector[defaultNames.selector] = before;
  });
  tables.selector[defaultNames.selector] = recorder.factory("selector", "old");
  const service = newService(alone);
  assert.equal(service.selector.name, "old");
  init({
    name: defaultNames.selector,
    type: "selector",
    newFunc: recorder.factory("selector", "new"),
    override: true,
  });
  await service.init();
  assert.equal(service.selector.name, "new");
  await service.stop();
});

test("settings reach whichever implementation is chosen, and only really given ones", async () => {
  const recorder = newRecorder();
  const names = plugAll(recorder);
  const service = newService({
    ...alone,
    ...names,
    name: "in-code",
    version: "1",
    partOptions: { client: { retries: 9, poolSize: 3 } },
    argv: ["--client_retries=0", "--server_name=flagged", "--register_ttl", "45", "--broker_address=a:1,b:2"],
    env: { MICRO_REGISTER_INTERVAL: "5s", MICRO_SERVER_ADVERTISE: "", MICRO_SERVER_METADATA: "zone=b" },
  });
  await service.init();
  const { logger: _l, parts: _p, ...server } = recorder.options.get(names.server) ?? {};
  assert.deepEqual(server, {
    name: "flagged",
    version: "1",
    registerTtlMs: 45_000,
    registerIntervalMs: 5_000,
    metadata: { zone: "b" },
  });
  const client = recorder.options.get(names.client);
  assert.deepEqual([client?.retries, client?.poolSize, client?.requestTimeoutMs], [0, 3, undefined]);
  assert.deepEqual(recorder.options.get(names.broker)?.addresses, ["a:1", "b:2"]);
  assert.equal(service.options.name, "flagged");
  assert.equal(service.options.registerTtlMs, 45_000);
  await service.stop();
});

test("addresses given in code stay with the implementation they were meant for", async () => {
  const recorder = newRecorder();
  const [mine, other] = [plug(recorder, "broker"), plug(recorder, "broker")];
  const inCode = {
    ...alone,
    broker: mine,
    partOptions: { broker: { addresses: ["mine:1"], timeoutMs: 7 } },
  } satisfies ServiceOptions;
  for (const [argv, name, addresses] of [
    [[], mine, ["mine:1"]],
    [[`--broker=${other}`], other, undefined],
    [[`--broker=${other}`, "--broker_address=x:1"], other, ["x:1"]],
  ] as const) {
    const service = newService({ ...inCode, argv });
    await service.init();
    assert.deepEqual(recorder.options.get(name)?.addresses, addresses);
    assert.equal(recorder.options.get(name)?.timeoutMs, 7);
    await service.stop();
  }
});

test("TLS given in code is not lost without a word when a flag swaps the part", async () => {
  const recorder = newRecorder();
  const tls = { ca: "ca.pem" };
  for (const kind of kindNames) {
    const name = plug(recorder, kind);
    const lines: string[] = [];
    const service = newService({
      ...alone,
      logger: newLogger({ write: (line) => lines.push(line) }),
      partOptions: { [kind]: { tls } },
      argv: [`--${kind}=${name}`],
    });
    await service.init();
    const isPeer = kind === "client" || kind === "server";
    assert.deepEqual(recorder.options.get(name)?.tls, isPeer ? tls : undefined, kind);
    const warning = new RegExp(`tls of partOptions.${kind} .* not given to ${name}`);
    assert.deepEqual([lines.length, warning.test(lines[0] ?? "")], isPeer ? [0, false] : [1, true], kind);
    await service.stop();
  }
});

test("a part built before its settings came is built again with them", async () => {
  const recorder = newRecorder();
  const name = plug(recorder, "broker");
  const service = newService({ ...alone, broker: name, argv: ["--broker_address=a:1"] });
  assert.equal(service.broker.name, name);
  await service.init();
  assert.deepEqual(recorder.options.get(name)?.addresses, ["a:1"]);
  assert.deepEqual(recorder.events, [
    `broker ${name} built`,
    `broker ${name} closed`,
    `broker ${name} built`,
  ]);
  await service.stop();
});

test("a setting that can't reach a part made in code is told", async () => {
  const recorder = newRecorder();
  const lines: string[] = [];
  const logger = newLogger({ write: (line) => lines.push(line) });
  const broker = recorder.factory("broker", "made")({});
  const flagged = newService({ ...alone, broker, argv: ["--broker_address=a:1"] });
  await assert.rejects(
    flagged.init(),
    (error) => UsageError.is(error) && /^--broker_address can't reach/.test(error.message),
  );
  const byVariable = newService({ ...alone, logger, broker, env: { MICRO_BROKER_ADDRESS: "a:1" } });
  await byVariable.init();
  assert.match(lines.join(""), /MICRO_BROKER_ADDRESS can't reach the broker/);
  const server = recorder.factory("server", "made")({});
  assert.throws(
    () => newService({ ...alone, server, version: "2" }),
    /version can't reach the server.*factory/,
  );
  assert.doesNotThrow(() => newService({ ...alone, server, name: "x" }));
});

test("a plugin's flags reach its own implementation", async () => {
  const recorder = newRecorder();
  const [one, other] = [uniqueName("broker"), uniqueName("broker")];
  const flag = `${one.replace("-", "_")}_token`;
  const shared = { name: flag, type: "string", usage: "Token", option: "token" } as const;
  init({ name: one, type: "broker", newFunc: recorder.factory("broker", one), flags: [shared] });
  init({ name: other, type: "broker", newFunc: recorder.factory("broker", other) });
  for (const [argv, env, name, token] of [
    [[`--broker=${one}`, `--${flag}=secret`], {}, one, "secret"],
    [[`--broker=${one}`], { [`MICRO_${flag.toUpperCase()}`]: "from-env" }, one, "from-env"],
    [[`--broker=${other}`, `--${flag}=secret`], {}, other, undefined],
  ] as const) {
    const service = newService({ ...alone, argv, env });
    await service.init();
    assert.equal(service.broker.name, name);
    assert.equal(recorder.options.get(name)?.token, token);
    await service.stop();
  }
});

test("a factory that throws or gives too little is told by init", async () => {
  const [throwing, poor] = [uniqueName("broker"), uniqueName("broker")];
  init({
    name: throwing,
    type: "broker",
    newFunc: () => {
      throw new Error("no luck");
    },
  });
  const table: Record<string, unknown> = tables.broker;
  table[poor] = () => ({ name: poor, subcribe: () => {} });
  for (const [name, code, text] of [
    [throwing, "PLUGIN_FACTORY_THREW", "no luck"],
    [poor, "PLUGIN_PART_INCOMPLETE", 'found "subcribe"'],
  ]) {
    const service = newService({ ...alone, argv: [`--broker=${name}`] });
    await assert.rejects(
      service.init(),
      (error) => PluginError.is(error) && error.code === code && error.message.includes(String(text)),
    );
  }
});

test("two services of a process have parts of their own", async () => {
  const recorder = newRecorder();
  const name = plug(recorder, "broker");
  const [one, two] = [newService({ ...alone, broker: name }), newService({ ...alone, broker: name })];
  assert.notEqual(one.broker, two.broker);
  await one.stop();
  assert.deepEqual(
    recorder.events.filter((event) => event.endsWith("closed")),
    [`broker ${name} closed`],
  );
  await two.stop();
});

test("a part given to two services is closed by the last of them", async () => {
  const recorder = newRecorder();
  const registry = recorder.factory("registry", "shared")({});
  const [one, two] = [newService({ ...alone, registry }), newService({ ...alone, registry })];
  for (const service of [one, two]) void service.registry;
  await one.stop();
  assert.ok(!recorder.events.includes("registry shared closed"));
  await two.stop();
  assert.ok(recorder.events.includes("registry shared closed"));
});

test("a part in code that lacks members is told at once", () => {
  const broker = { ...newRecorder().factory("broker", "b")({}), publish: undefined };
  assert.throws(
    () => Reflect.apply(newService, undefined, [{ broker }]),
    /the broker that was given is not a broker: missing method publish/,
  );
});

test("a stopped service builds no parts any more", async () => {
  const recorder = newRecorder();
  const service = newService({ ...alone, client: recorder.factory("client", "late") });
  await service.stop();
  await assert.rejects(service.client.call({ service: "s", endpoint: "E.M" }), (error) => {
    return MicroError.is(error) && error.code === 503 && error.reason === "closed";
  });
  assert.deepEqual(recorder.events, []);
});

test("the arguments that aren't the framework's are the program's", async () => {
  const service = newService({
    ...alone,
    unknownFlags: "ignore",
    argv: ["--greeting=hi", "John", "--client_retries=2", "--", "-x"],
  });
  await service.init();
  assert.deepEqual(service.args, ["--greeting=hi", "John", "-x"]);
  await assert.rejects(newService({ ...alone, argv: ["--greeting=hi"] }).init(), UsageError.is);
});
