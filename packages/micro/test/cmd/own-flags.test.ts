import assert from "node:assert/strict";
import { test } from "node:test";
import { type CommandOptions, readCommand } from "../../src/cmd/cmd.ts";
import { HelpRequested } from "../../src/errors.ts";

function read(options: Partial<CommandOptions>) {
  return readCommand({ name: "test", argv: [], env: {}, ...options });
}

test("a program's own flags are read with the framework's, and are given by name", async () => {
  const flags = [
    { name: "greeting", type: "string", usage: "What to say" },
    { name: "loud", type: "bool", usage: "Say it louder", env: "" },
    { name: "times", type: "int", usage: "How often" },
  ] as const;
  const command = await read({
    flags,
    argv: ["John", "--loud", "--client_retries=2"],
    env: { MICRO_TIMES: "3" },
  });
  assert.deepEqual(Object.fromEntries(command.flags), { loud: true, times: 3 });
  assert.deepEqual(command.args, ["John"]);
  assert.deepEqual(
    command.settings.map(({ option }) => option),
    ["retries"],
  );
  await assert.rejects(read({ flags, usage: "test <name>", argv: ["--help"] }), (error) => {
    assert.ok(HelpRequested.is(error));
    assert.match(error.text, /USAGE:\n {3}test <name>\n/);
    assert.match(error.text, /--greeting value +What to say {2}\[\$MICRO_GREETING\]\n/);
    return true;
  });
  await assert.rejects(read({ flags: [{ name: "client", type: "string", usage: "" }] }), /the framework's/);
});
