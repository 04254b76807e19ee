import type { Command } from "./command.ts";
import { broker } from "./commands/broker.ts";
import { call } from "./commands/call.ts";
import { describe } from "./commands/describe.ts";
import { health } from "./commands/health.ts";
import { pluginBuild } from "./commands/plugin-build.ts";
import { pluginGenerate } from "./commands/plugin-generate.ts";
import { pluginInspect } from "./commands/plugin-inspect.ts";
import { registry } from "./commands/registry.ts";
import { services } from "./commands/services.ts";

/** In the order of `micro --help`. */
export const commands: readonly Command[] = [
  pluginBuild,
  pluginGenerate,
  pluginInspect,
  call,
  services,
  describe,
  health,
  broker,
  registry,
];
