import { runCommandLine } from "./main.ts";

// Who read along has enough, as `head` does: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

await runCommandLine(process.argv.slice(2));

// A plugin may have left something running that nobody waits for. What was printed has to leave first.
for (const stream of [process.stdout, process.stderr]) {
  await new Promise((resolve) => stream.write("", resolve));
}
process.exit();
