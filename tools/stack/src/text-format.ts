/** One line of a /metrics page. */
export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads the Prometheus text format, version 0.0.4: comments and timestamps are passed over, and so is a line that makes no sense,
 * since one bad line should not cost the whole page.
 */
export function parseTextFormat(page: string): ScrapedSample[] {
  return page.split('\n').flatMap((line) => {
    const sample = parseLine(line);
    return sample ? [sample] : [];
  });
}

/** The sum of all series of a name that carry the given labels; `undefined` when there is none. */
export function sumOf(
  samples: readonly ScrapedSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  let sum: number | undefined;
  for (const sample of samples) {
    if (sample.name !== name || !Object.entries(labels).every(([key, value]) => sample.labels[key] === value)) continue;
    sum = (sum ?? 0) + sample.value;
  }
  return sum;
}

const linePattern = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;
const labelPattern = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/y;

function parseLine(line: string): ScrapedSample | undefined {
  if (line.startsWith('#')) return undefined;
  const match = linePattern.exec(line);
  const value = match ? parseValue(match[3] as string) : undefined;
  const labels = match && parseLabels(match[2] ?? '');
  return match && value !== undefined && labels ? { name: match[1] as string, labels, value } : undefined;
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  labelPattern.lastIndex = 0;
  while (labelPattern.lastIndex < text.length) {
    const match = labelPattern.exec(text);
    if (!match) return undefined;
    labels[match[1] as string] = (match[2] as string).replace(
      /\\(.)/g,
      (whole, escaped: string) => ({ n: '\n', '"': '"', '\\': '\\' })[escaped] ?? whole,
    );
  }
  return labels;
}

function parseValue(text: string): number | undefined {
  switch (text.toLowerCase()) {
    case '+inf':
    case 'inf':
      return Infinity;
    case '-inf':
      return -Infinity;
    case 'nan':
      return NaN;
    default: {
      const value = Number(text);
      return Number.isNaN(value) ? undefined : value;
    }
  }
}
