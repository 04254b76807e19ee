/** `start-process.js imports|inits|answers <contender>`: reports what it has used when it is so far. Its parent ends it. */
import { contenderNamed, loadContender } from "./contenders/index.ts";

const [kind, name = ""] = process.argv.slice(2);
const entry = contenderNamed(name);

if (kind === "imports") await Promise.all((entry.imports ?? entry.packages).map((module) => import(module)));
else if (kind === "inits") {
  const { newService } = await import("ts-micro");
  await newService({ name: "bench" }).init();
} else {
  const contender = await loadContender(name);
  const { address } = await contender.serve();
  const caller = await contender.connect(address);
  await caller.call({ name: "world" });
}
const { user, system } = process.cpuUsage();
process.send?.({ cpuMs: (user + system) / 1_000, rssMiB: process.memoryUsage.rss() / 2 ** 20, received: 0 });
