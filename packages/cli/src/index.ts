import { runCommandLine } from "./main.ts";

await runCommandLine(process.argv.slice(2));
