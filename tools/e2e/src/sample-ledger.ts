import { type Dump } from './promtool.js';

/** A series to send and to find again: texts and numbers only. */
export interface LedgerSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly { readonly timestampMs: number; readonly value: number }[];
}

/** Keeps what was answered with success, to look for it later. */
export class SampleLedger {
  readonly #samples = new Map<string, Map<number, string>>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(series: readonly LedgerSeries[]): void {
    for (const { labels, samples } of series) {
      const key = `{${labels.map(([name, value]) => `${name}="${value}"`).join(', ')}}`;
      const known = this.#samples.get(key) ?? new Map<number, string>();
      for (const { timestampMs, value } of samples) known.set(timestampMs, String(value));
      this.#samples.set(key, known);
      this.#count += samples.length;
    }
  }

  /** Samples that fewer than `copies` of the dumps hold. */
  missing(dumps: readonly Dump[], copies: number): string[] {
    const found = new Map<string, number>();
    for (const dump of dumps) {
      for (const [series, samples] of dump) {
        for (const [timestampMs, value] of samples) {
          const key = `${series} ${timestampMs} ${value}`;
          found.set(key, (found.get(key) ?? 0) + 1);
        }
      }
    }
    return [...this.#samples].flatMap(([series, samples]) =>
      [...samples].flatMap(([timestampMs, value]) => {
        const held = found.get(`${series} ${timestampMs} ${value}`) ?? 0;
        return held < copies ? [`${series} ${timestampMs} ${value}: on ${held}`] : [];
      }),
    );
  }

  asDump(): Dump {
    return new Map([...this.#samples].map(([series, samples]) => [series, [...samples].sort(([a], [b]) => a - b)]));
  }
}

/** Series `e2e_KIND{index="..."}` with one sample each. */
export function sampleRound({
  kind,
  series,
  timestampMs,
  value,
}: {
  kind: string;
  series: number;
  timestampMs: number;
  value: number;
}): LedgerSeries[] {
  return Array.from({ length: series }, (_, index) => ({
    labels: [
      ['__name__', `e2e_${kind}`],
      ['index', String(index).padStart(4, '0')],
    ],
    samples: [{ timestampMs, value: value + index }],
  }));
}
