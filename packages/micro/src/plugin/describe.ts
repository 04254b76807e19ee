/**
 * A thread that loads one built plugin, as a service would, and tells what it found. `build` starts it, so that
 * neither the plugin's code nor what it leaves open stays in the builder.
 */
import { parentPort, workerData } from "node:worker_threads";
import { offeredApi } from "./api.ts";
import { checkConfigs } from "./check.ts";
import { openFile } from "./load.ts";
import type { ManifestPlugin } from "./manifest.ts";
import { lookupPlugin } from "./module.ts";
import { PluginError, type PluginErrorFields, reasonOf } from "./plugin-error.ts";

export interface DescribeRequest {
  named: string;
  path: string;
  timeoutMs: number;
}

export type DescribeAnswer =
  | { plugins: ManifestPlugin[] }
  | { failure: Pick<PluginErrorFields, "code" | "what" | "problems" | "cure"> };

async function describe({ named, path, timeoutMs }: DescribeRequest): Promise<DescribeAnswer> {
  try {
    const module = await openFile(named, path, timeoutMs);
    const configs = checkConfigs(lookupPlugin(module), named, "check");
    return { plugins: configs.map(({ name, type, api }) => ({ name, type, api: offeredApi(api) })) };
  } catch (error) {
    if (!PluginError.is(error)) {
      return { failure: { code: "PLUGIN_BUILD_FAILED", what: reasonOf(error), cure: "Fix the source." } };
    }
    const { code, what, problems, cure } = error;
    return { failure: { code, what, problems, cure } };
  }
}

describe(workerData).then((answer) => parentPort?.postMessage(answer));
