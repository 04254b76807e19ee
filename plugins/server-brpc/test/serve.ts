/** A process with an echo server, for tests that end it: listens on the address it is given, and prints it. */
import { startEcho } from "./echo.ts";

const address = process.argv[2] ?? "127.0.0.1:0";

for (;;) {
  try {
    const echo = await startEcho({}, { address });
    console.log(echo.address);
    break;
  } catch (thrown) {
    // Somebody's connection may have the port for a moment.
    if (!String(thrown).includes("in use")) throw thrown;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
