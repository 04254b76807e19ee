/**
 * The application's root: where package names are resolved from.
 */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The folder of the nearest `package.json` above the real path of the started script; the working directory
 * when no script was started (`node -e`, the REPL, standard input). A tool such as the `micro` command,
 * which works on the project it is called in, passes the working directory as `root` instead.
 */
export function applicationRoot(): string {
  const script = startedScript();
  if (script === undefined) return process.cwd();
  return nearestPackage(script) ?? script;
}

/** The folder of the nearest `package.json`, from `folder` upwards. */
export function nearestPackage(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** Names of the packages that the package at `root` needs at run time. Without a readable package.json: none. */
export function dependenciesOf(root: string): string[] {
  try {
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    return Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  } catch {
    return [];
  }
}

/** The folder of the started script, links resolved. */
function startedScript(): string | undefined {
  const script = process.argv[1];
  // After `-e`, argv[1] is the code's own first argument.
  const evaluated = process.execArgv.some((word) =>
    /^(-e|-p|-pe|-i|--eval|--print|--interactive)(=|$)/.test(word),
  );
  if (script === undefined || script === "-" || evaluated) return undefined;
  try {
    const real = realpathSync(script);
    return statSync(real).isDirectory() ? real : dirname(real);
  } catch {
    // `node server` starts server.js: the path itself need not exist.
    return dirname(script);
  }
}
