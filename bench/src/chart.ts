export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly kind: "ours" | "peer" | "limit";
}

const colours = { ours: "#2563eb", peer: "#94a3b8", limit: "#e2b714" };
const rowHeight = 24;
const labelWidth = 210;
const barWidth = 380;

/** Horizontal bars as SVG, readable on light and dark pages, as long as their values. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const highest = Math.max(...bars.map((bar) => bar.value));
  const height = (bars.length + 1) * rowHeight + 8;
  const rows = bars.flatMap(({ label, value, kind }, index) => {
    const top = (index + 1) * rowHeight;
    const width = Math.max(1, Math.round((value / highest) * barWidth));
    const middle = top + rowHeight / 2 + 4;
    return [
      `<text x="${labelWidth - 8}" y="${middle}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${labelWidth}" y="${top + 4}" width="${width}" height="${rowHeight - 8}" fill="${colours[kind]}"/>`,
      `<text x="${labelWidth + width + 6}" y="${middle}">${Math.round(value).toLocaleString("en")}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="700" height="${height}" viewBox="0 0 700 ${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<g font-family="sans-serif" font-size="13" fill="#64748b">`,
    `<text x="0" y="16" font-weight="bold">${escaped(title)}</text>`,
    ...rows,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replace(/[<>&]/g, (char) => `&#${char.charCodeAt(0)};`);
}
