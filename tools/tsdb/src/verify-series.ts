import { crc32c } from '@gauntlet/kernel';
import { Cursor } from './cursor.js';
import type { LabelPairs } from './verify-offset-table.js';
import type { SymbolTable } from './verify-symbols.js';
import { type IndexFile, parsing } from './index-file.js';

export interface SeriesEntry {
  readonly ref: number;
  /** In the index file. */
  readonly offset: number;
  /** Numbers of symbols: name and value in turn. */
  readonly labels: readonly number[];
  readonly chunks: readonly ChunkEntry[];
}

export interface ChunkEntry {
  readonly ref: number;
  readonly minTimeMs: bigint;
  readonly maxTimeMs: bigint;
}

export interface SeriesWalk {
  readonly series: number;
  /** False when a series could not be read: then nobody knows what the lists should hold. */
  readonly isWhole: boolean;
}

const alignment = 16;
const lengthBytesMax = 10;

/** Invariants 6, 7, 8 and 18, and what series refer to of 5 and 19. */
export async function walkSeries(
  index: IndexFile,
  symbols: SymbolTable,
  pairs: LabelPairs | undefined,
  all: Uint32Array | undefined,
  onSeries: (series: SeriesEntry) => Promise<void>,
): Promise<SeriesWalk> {
  const { report, source, toc, version } = index;
  const unit = version === 1 ? 1 : alignment;
  const end = toc.labelIndices || toc.postings || toc.postingsTable;
  const order = new SeriesOrder(index, symbols);
  const expected = new AllSeries(index, all);
  const missing = new Set<string>();
  let series = 0;
  let isWhole = true;

  for (let at = toc.series; at < end;) {
    const start = await skipPadding(index, at, end, unit);
    if (start >= end) break;
    const head = new Cursor(await source.read(start, Math.min(lengthBytesMax, end - start)), start);
    const length = parsing(index, 6, 'the length of a series', () => head.uvarint());
    const bodyAt = start + head.at;
    const body = length === undefined ? undefined : await readBody(index, { start, bodyAt, length, end });
    if (body === undefined) {
      isWhole = false;
      const next = expected.after(start / unit) ?? (length === undefined ? end : (bodyAt + length + 4) / unit);
      expected.meet(start / unit, start);
      at = Math.min(next * unit, end);
      if (at <= start) break;
      continue;
    }
    at = bodyAt + body.length + 4;
    const ref = start / unit;
    expected.meet(ref, start);
    series += 1;
    const entry = parsing(index, 6, 'a series', () =>
      parseSeries(index, symbols, { body, bodyAt, ref, offset: start }),
    );
    if (entry === undefined) {
      isWhole = false;
      continue;
    }
    order.check(entry);
    for (let label = 0; pairs !== undefined && label < entry.labels.length; label += 2) {
      const [name, value] = [entry.labels[label]!, entry.labels[label + 1]!];
      if (pairs.carry(name, value, ref)) continue;
      const text = `${symbols.text(name)}=${JSON.stringify(symbols.text(value))}`;
      if (missing.size > 1000 || missing.has(text)) continue;
      missing.add(text);
      report.error(
        19,
        { file: source.name, offset: start },
        `series ${ref} carries ${text}, which has no postings list`,
      );
    }
    await onSeries(entry);
  }
  expected.finish();
  return { series, isWhole };
}

/** Steps over the zeros before an entry; those are all that may lie there. */
async function skipPadding({ report, source }: IndexFile, at: number, end: number, unit: number): Promise<number> {
  const start = Math.min(Math.ceil(at / unit) * unit, end);
  const padding = await source.read(at, start - at);
  const stray = padding.findIndex((byte) => byte !== 0);
  if (stray >= 0) report.error(6, { file: source.name, offset: at + stray }, 'the padding between series is not zero');
  if (start >= end || (await source.read(start, 1))[0] !== 0) return start;
  // A zero in a length's place: only the padding before the next section may begin so.
  for (let from = start; from < end; from += 4096) {
    const rest = await source.read(from, Math.min(4096, end - from));
    const next = rest.findIndex((byte) => byte !== 0);
    if (next < 0) continue;
    report.error(
      6,
      { file: source.name, offset: start },
      `a series was expected, and zeros follow up to byte ${from + next}`,
    );
    const resumed = Math.floor((from + next) / unit) * unit;
    return resumed > start ? resumed : end;
  }
  return end;
}

async function readBody(
  { report, source }: IndexFile,
  {
    start,
    bodyAt,
    length,
    end,
  }: { readonly start: number; readonly bodyAt: number; readonly length: number; readonly end: number },
): Promise<Uint8Array | undefined> {
  const place = { file: source.name, offset: start };
  if (bodyAt + length + 4 > end) {
    report.error(6, place, `a series of ${length} bytes reaches past the end of its section`);
    return undefined;
  }
  const bytes = await source.read(bodyAt, length + 4);
  const body = bytes.subarray(0, length);
  if (new Cursor(bytes.subarray(length)).uint32() === crc32c(body)) return body;
  report.error(6, place, 'the checksum of a series does not match');
  return undefined;
}

function parseSeries(
  { report, source }: IndexFile,
  symbols: SymbolTable,
  {
    body,
    bodyAt,
    ref,
    offset,
  }: { readonly body: Uint8Array; readonly bodyAt: number; readonly ref: number; readonly offset: number },
): SeriesEntry | undefined {
  const cursor = new Cursor(body, bodyAt);
  const labels: number[] = [];
  let hasAllSymbols = true;
  for (let left = 2 * cursor.uvarint(); left > 0; left -= 1) {
    const place = { file: source.name, offset: cursor.position };
    const reference = cursor.uvarint();
    const number = symbols.resolve(reference);
    if (number === undefined) {
      hasAllSymbols = false;
      report.error(5, place, `series ${ref} refers to symbol ${reference}, and there are ${symbols.count}`);
    } else labels.push(number);
  }
  const chunks: ChunkEntry[] = [];
  for (let left = cursor.uvarint(); left > 0; left -= 1) {
    const last = chunks.at(-1);
    const minTimeMs = last ? BigInt.asIntN(64, last.maxTimeMs + cursor.uvarint64()) : cursor.varint64();
    const maxTimeMs = BigInt.asIntN(64, minTimeMs + cursor.uvarint64());
    const chunkRef = last ? last.ref + Number(cursor.varint64()) : cursor.uvarint();
    chunks.push({ ref: chunkRef, minTimeMs, maxTimeMs });
  }
  if (cursor.remaining > 0)
    report.error(
      6,
      { file: source.name, offset: cursor.position },
      `series ${ref} has ${cursor.remaining} bytes too many`,
    );
  return hasAllSymbols ? { ref, offset, labels, chunks } : undefined;
}

/** Invariants 7 and 8. */
class SeriesOrder {
  readonly #index: IndexFile;
  readonly #symbols: SymbolTable;
  #last: readonly number[] | undefined;

  constructor(index: IndexFile, symbols: SymbolTable) {
    this.#index = index;
    this.#symbols = symbols;
  }

  check({ ref, offset, labels }: SeriesEntry): void {
    const { report, source } = this.#index;
    const place = { file: source.name, offset };
    if (labels.length === 0) report.error(8, place, `series ${ref} has no labels`);
    if (labels.some((symbol) => this.#symbols.isEmpty(symbol)))
      report.error(8, place, `series ${ref} has an empty label name or value`);
    for (let label = 2; label < labels.length; label += 2) {
      if (this.#symbols.compare(labels[label - 2]!, labels[label]!) < 0) continue;
      report.error(8, place, `labels of series ${ref} are out of order at ${this.#symbols.text(labels[label]!)}`);
      break;
    }
    const order = this.#last === undefined ? -1 : this.#compare(this.#last, labels);
    if (order === 0) report.error(7, place, `series ${ref} has the labels of the one before it`);
    if (order > 0) report.error(7, place, `series ${ref} sorts before the one before it`);
    this.#last = labels;
  }

  #compare(a: readonly number[], b: readonly number[]): number {
    for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
      const order = this.#symbols.compare(a[at]!, b[at]!);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
}

/** Invariant 18: the list of all series beside the series that are met. */
class AllSeries {
  readonly #index: IndexFile;
  readonly #refs: Uint32Array | undefined;
  #at = 0;

  constructor(index: IndexFile, refs: Uint32Array | undefined) {
    this.#index = index;
    this.#refs = refs;
  }

  meet(ref: number, offset: number): void {
    const refs = this.#refs;
    if (refs === undefined) return;
    while (this.#at < refs.length && refs[this.#at]! < ref) this.#excess(refs[this.#at++]!);
    if (refs[this.#at] === ref) this.#at += 1;
    else {
      const { report, source } = this.#index;
      report.error(18, { file: source.name, offset }, `series ${ref} is not in the list of all series`);
    }
  }

  /** The next series that the list knows. */
  after(ref: number): number | undefined {
    return this.#refs?.subarray(this.#at).find((next) => next > ref);
  }

  finish(): void {
    for (; this.#refs !== undefined && this.#at < this.#refs.length; this.#at += 1) this.#excess(this.#refs[this.#at]!);
  }

  #excess(ref: number): void {
    const { report, source } = this.#index;
    report.error(18, source.name, `the list of all series holds ${ref}, where no series is`);
  }
}
