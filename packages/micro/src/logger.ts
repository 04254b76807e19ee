/**
 * Log lines on stderr, so that stdout stays the program's own.
 */
import { oneLine } from "./one-line.ts";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;

export type LogLevel = (typeof logLevels)[number];

export type LogFields = Record<string, string | number | boolean | undefined>;

export interface Logger {
  readonly level: LogLevel;
  /** Writes one line, whatever is in `message`, when `level` is at or above the logger's own. Never throws. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. The receiver is left as it is (go-micro changes it). */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  /** Same as `MICRO_LOG_LEVEL`; anything unknown means info, as in go-micro. @default "info" */
  level?: string | undefined;
  fields?: LogFields;
  /** Takes one finished line with its line feed. @default writes to stderr */
  write?: (line: string) => void;
}

/** `2026-11-23 14:05:09 level=warn registry=mdns  interface eth1 failed`: go-micro's line, to stderr. */
export function newLogger(options: LoggerOptions = {}): Logger {
  const wanted = options.level?.toLowerCase();
  const level = logLevels.find((known) => known === wanted) ?? "info";
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  return loggerWith(level, options.fields ?? {}, write);
}

function loggerWith(level: LogLevel, bound: LogFields, write: (line: string) => void): Logger {
  const threshold = logLevels.indexOf(level);
  const log = (at: LogLevel, message: string, fields?: LogFields): void => {
    if (logLevels.indexOf(at) < threshold) return;
    const all: LogFields = { ...bound, ...fields, level: at };
    const pairs = Object.keys(all)
      .sort()
      .filter((key) => all[key] !== undefined)
      .map((key) => `${key}=${printable(String(all[key]))}`);
    write(`${timestamp(new Date())} ${pairs.join(" ")}  ${oneLine(message)}\n`);
  };
  return {
    level,
    log,
    trace: (message, fields) => log("trace", message, fields),
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
    child: (fields) => loggerWith(level, { ...bound, ...fields }, write),
  };
}

function timestamp(date: Date): string {
  return date.toISOString().slice(0, 19).replace("T", " ");
}

function printable(value: string): string {
  return /[\s"=\u0000-\u001f\u007f-\u009f]/.test(value) ? oneLine(JSON.stringify(value)) : value;
}
