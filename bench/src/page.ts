import { mkdirSync, writeFileSync } from "node:fs";
import { cases, type Kind } from "./cases.ts";
import { barChart } from "./chart.ts";
import { goalTable } from "./goals.ts";
import { type Level, type Measured, type Result, type Summary, summaryOf } from "./results.ts";

const docs = new URL("../../../docs/", import.meta.url);

/** A file of the page, by its path below `docs`. */
export type Files = Readonly<Record<string, string>>;

export function drawPage(results: readonly Result[]): void {
  mkdirSync(new URL("performance/", docs), { recursive: true });
  for (const [path, text] of Object.entries(pageOf(results))) writeFileSync(new URL(path, docs), text);
}

/** `performance.md` and its charts. */
export function pageOf(results: readonly Result[]): Files {
  const files: Record<string, string> = {};
  const sections = results.flatMap((result) => section(result, files));
  const missed =
    "What stands in the way of those that are missed: [0555](decisions/0555-goals-that-are-missed.md).";
  const goals = ["## Goals", "", ...goalTable(results), "", missed, ""];
  files["performance.md"] = [...opening, ...goals, ...sections, ...closing, ...notMeasured(results), ""].join(
    "\n",
  );
  return files;
}

const opening = [
  "# Performance",
  "",
  "Calls between two processes on one machine, over loopback, the same work for everyone: `{ name }` goes out, `{ msg }`",
  "comes back, with as much text beside it as the case says. All contenders of a case take turns in one run, in random order.",
  "Figures are medians of its rounds; the range behind calls/s is the lowest and the highest round. Compare calls per CPU-second, of",
  "client and server together, and of nats-server where it is between them: it is the figure that stays stable on a shared machine.",
  "Ratios above 1 are in favour of ts-micro.",
  "MiB is the memory of both processes after the load. Drawn by [the bench](../bench/README.md) from `bench/results`; not edited by hand.",
  "",
];

const closing = [
  "## What this does not show",
  "",
  "- A real network, TLS, discovery; the handlers do nothing.",
  "- Absolute speed. Both processes share the processors of one machine with the kernel's side of loopback, and in some runs",
  "  with other work: see the load. Even ratios move by a tenth between runs.",
  "- What peers can do when they are tuned. They run with their defaults, logs and metrics off. Moleculer has no timeout unless it is given",
  "  one; ts-micro's calls always have a deadline. gRPC and bRPC carry protobuf that is encoded by hand, the others JSON.",
  "- That a publish promises the same. Ours has arrived at the subscriber's process, or at the NATS server, when it resolves; Moleculer's",
  "  `emit` has been handed to the system.",
  "- On Node 20, the newest peers: Moleculer 0.15 and NestJS 12 want Node 22, and stand in the cases on Node 22.",
  "- ts-micro's client on go-micro v5's server, which loses a request now and then: [0573](decisions/0573-go-micro-loses-a-request.md).",
];

/** Cases that nobody has run yet. */
function notMeasured(results: readonly Result[]): string[] {
  const names = Object.keys(cases).filter((name) => !results.some((result) => result.case === name));
  return names.length === 0 ? [] : [`- Not measured yet: ${names.map((name) => `\`${name}\``).join(", ")}.`];
}

function section(result: Result, files: Record<string, string>): string[] {
  const { title, command, date, machine, rounds, ms, leftOut = [], contenders } = result;
  const versions = [...new Set(contenders.flatMap((contender) => contender.versions))];
  const levels = contenders[0]?.levels ?? [];
  const unit = units[cases[result.case]?.kind ?? "calls"];
  return [
    `## ${title}`,
    "",
    `\`${command}\` on ${date}: ${rounds} rounds of ${ms} ms. Node ${machine.node}, ${machine.cpus}, ${machine.memory},`,
    `${machine.system}, load before the run ${machine.loadBefore}. ${versions.join(", ")}.`,
    "",
    ...leftOut.flatMap((line) => [`Left out: ${line}.`, ""]),
    ...levels.flatMap(({ inFlight }, index) => {
      const path = `performance/${result.case.replace("/", "-")}-${inFlight}.svg`;
      const measured = contenders.map((contender) => ({
        contender,
        summary: summaryOf((contender.levels[index] as Level).samples),
      }));
      const caption = `${title}, ${inFlight} in flight: ${unit} per CPU-second`;
      files[path] = barChart(
        caption,
        measured.map(({ contender: { title: label, kind }, summary }) => ({
          label,
          kind,
          value: summary.callsPerCpuSecond,
        })),
      );
      return [`### ${inFlight} in flight`, "", `![${caption}](${path})`, "", ...table(measured, unit), ""];
    }),
  ];
}

function table(measured: readonly { contender: Measured; summary: Summary }[], unit: string): string[] {
  const ours = measured.find(({ contender }) => contender.kind === "ours");
  if (ours === undefined) return [];
  const name = ours.contender.title.replace("ts-micro, ", "");
  return [
    `| | ${unit}/s | ${unit} per CPU-second | p50 ms | p99 ms | p99.9 ms | MiB | ${name}: ${unit}/s | ${name}: per CPU-second |`,
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...measured.map(({ contender, summary }) => {
      const range = `${rounded(summary.lowest)} to ${rounded(summary.highest)}`;
      return `| ${[
        titleOf(contender),
        `${rounded(summary.callsPerSecond)} (${range})`,
        rounded(summary.callsPerCpuSecond),
        ...[summary.p50Ms, summary.p99Ms, summary.p999Ms].map((ms) => digits(ms, ms < 0.01 ? 5 : 3)),
        digits(summary.rssMiB, 0),
        `${(ours.summary.callsPerSecond / summary.callsPerSecond).toFixed(2)} ×`,
        `${(ours.summary.callsPerCpuSecond / summary.callsPerCpuSecond).toFixed(2)} ×`,
      ].join(" | ")} |`;
    }),
  ];
}

const units: Readonly<Record<Kind, string>> = {
  calls: "calls",
  streams: "turns",
  items: "answers",
  local: "calls",
  events: "messages",
  imports: "starts",
  inits: "starts",
  answers: "starts",
};

function titleOf({ kind, title, install }: Measured): string {
  const size =
    install === undefined
      ? ""
      : `, ${install.mebibytes.toFixed(1)} MiB in ${install.packages} ${install.packages === 1 ? "package" : "packages"}`;
  return `${title}${kind === "limit" ? " (limit)" : ""}${size}`;
}

/** Results of old don't have all figures. */
function digits(value: number, count: number): string {
  return Number.isNaN(value) ? "" : value.toFixed(count);
}

/** Starts are so few in a second that parts of one count. */
export function rounded(value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}
