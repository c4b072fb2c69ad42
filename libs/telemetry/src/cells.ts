import { type MetricRegistry, type MetricSample } from './registry.js';

/** A number that is counted up in place: keep the cell, not its labels, where calls are many. */
export interface Cell {
  value: number;
}

export interface CellsOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** Label sets beyond this many share one cell whose labels all read `_other`. */
  readonly cellsMax?: number;
}

const cellsMaxDefault = 10_000;

/** A counter or gauge that owns its numbers. */
export interface Cells {
  /** The cell of these label values, in the order of `labelNames`; made at first use, at zero. */
  cell(...labelValues: string[]): Cell;
  remove(...labelValues: string[]): void;
}

export function createCounter(registry: MetricRegistry, options: CellsOptions): Cells {
  return createCells(registry, options, 'counter');
}

export function createGauge(registry: MetricRegistry, options: CellsOptions): Cells {
  return createCells(registry, options, 'gauge');
}

function createCells(registry: MetricRegistry, options: CellsOptions, type: 'counter' | 'gauge'): Cells {
  const table = new CellTable<Cell>(options, () => ({ value: 0 }));
  registry.register({
    name: options.name,
    help: options.help,
    type,
    *read() {
      for (const { labels, cell } of table.entries()) yield { labels, value: cell.value };
    },
  });
  return { cell: (...values) => table.get(values), remove: (...values) => table.delete(values) };
}

/** Counts observations by size, without allocating. */
export interface HistogramCell {
  observe(value: number): void;
}

export interface Histograms {
  cell(...labelValues: string[]): HistogramCell;
  remove(...labelValues: string[]): void;
}

/** A histogram with fixed upper bounds, ascending; the one of infinity is added. */
export function createHistogram(
  registry: MetricRegistry,
  options: CellsOptions & { readonly buckets: readonly number[] },
): Histograms {
  const bounds = Float64Array.from(options.buckets);
  const table = new CellTable(options, () => new BucketCounts(bounds));
  registry.register({
    name: options.name,
    help: options.help,
    type: 'histogram',
    *read() {
      for (const { labels, cell } of table.entries()) yield* cell.samples(labels);
    },
  });
  return { cell: (...values) => table.get(values), remove: (...values) => table.delete(values) };
}

class BucketCounts implements HistogramCell {
  readonly #bounds: Float64Array;
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at += 1;
    this.#counts[at]! += 1;
    this.#sum += value;
  }

  *samples(labels: Record<string, string>): Iterable<MetricSample> {
    let count = 0;
    for (const [at, more] of this.#counts.entries()) {
      count += more;
      const le = at < this.#bounds.length ? String(this.#bounds[at]) : '+Inf';
      yield { suffix: '_bucket', labels: { ...labels, le }, value: count };
    }
    yield { suffix: '_sum', labels, value: this.#sum };
    yield { suffix: '_count', labels, value: count };
  }
}

class CellTable<C> {
  readonly #cells = new Map<string, { values: readonly string[]; cell: C }>();
  readonly #names: readonly string[];
  readonly #cellsMax: number;
  readonly #create: () => C;

  constructor(options: CellsOptions, create: () => C) {
    this.#names = options.labelNames ?? [];
    this.#cellsMax = options.cellsMax ?? cellsMaxDefault;
    this.#create = create;
    if (this.#names.length === 0) this.get([]);
  }

  get(values: readonly string[]): C {
    const found = this.#cells.get(values.join('\0'));
    if (found) return found.cell;
    const kept = this.#cells.size < this.#cellsMax ? values : this.#names.map(() => '_other');
    const key = kept.join('\0');
    const entry = this.#cells.get(key) ?? { values: kept, cell: this.#create() };
    this.#cells.set(key, entry);
    return entry.cell;
  }

  delete(values: readonly string[]): void {
    this.#cells.delete(values.join('\0'));
  }

  *entries(): Iterable<{ labels: Record<string, string>; cell: C }> {
    for (const { values, cell } of this.#cells.values()) {
      yield { labels: Object.fromEntries(this.#names.map((name, at) => [name, values[at] ?? ''])), cell };
    }
  }
}
