import { crc32c } from '@gauntlet/kernel';
import { Cursor } from './cursor.js';
import type { LabelPairs } from './verify-offset-table.js';
import type { SeriesWalk } from './verify-series.js';
import type { IndexFile } from './index-file.js';

/** Where postings lists have to lie. */
export interface PostingsLayout {
  /** Start of what lies behind the last list; undefined in version 1, where lists may lie anywhere. */
  readonly end: number | undefined;
  /** Nothing may be between the last list and that; else padding may. */
  readonly isStrict: boolean;
}

const alignment = 4;

/** The list of all series (invariant 20 for it); needed first, as it tells where series begin. */
export async function readAllSeries(index: IndexFile, { allSeriesAt }: LabelPairs): Promise<Uint32Array | undefined> {
  if (allSeriesAt === undefined) return undefined;
  return (await readList(index, allSeriesAt, 'the list of all series'))?.refs;
}

/** Invariants 19 and 20, where lists lie of 21, and the bytes between them of 28. */
export async function verifyPostings(
  index: IndexFile,
  pairs: LabelPairs,
  { isWhole }: SeriesWalk,
  layout: PostingsLayout,
): Promise<void> {
  const { report, source, toc } = index;
  let end = toc.postings || undefined;
  const follow = async (at: number, what: string, next: number | undefined): Promise<void> => {
    if (layout.end !== undefined && end !== undefined) await verifyGap(index, end, at, what);
    end = next;
  };
  if (pairs.allSeriesAt !== undefined) {
    await follow(pairs.allSeriesAt, 'the list of all series', await endOfList(index, pairs.allSeriesAt));
  }
  for (let pair = 0; pair < pairs.count; pair += 1) {
    const at = pairs.listAt(pair);
    const what = `the list of ${pairs.text(pair)}`;
    const list = await readList(index, at, what);
    await follow(at, what, list?.end);
    if (list === undefined || !isWhole || pairs.isForeign(pair)) continue;
    const place = { file: source.name, offset: at };
    if (list.refs.length === 0) report.error(19, place, `${what} is empty`);
    else if (!pairs.isCarriedBy(pair, list.refs)) {
      const carriers = pairs.carriers(pair);
      const others = carriers === list.refs.length ? `${carriers} others` : `${carriers}`;
      report.error(19, place, `${what} has ${list.refs.length} series, and ${others} carry the label`);
    }
  }
  if (layout.end !== undefined && end !== undefined) await verifyEnd(index, end, layout.end, layout.isStrict);
  if (!isWhole)
    report.info(19, source.name, 'lists were not compared with the series, because not all series can be read');
}

/** Lists follow each other with padding only, which a writer makes of zeros. */
async function verifyGap({ report, source }: IndexFile, from: number, to: number, what: string): Promise<void> {
  const place = { file: source.name, offset: to };
  if (to < from) return report.error(21, place, `${what} begins before byte ${from}, where the one before it ends`);
  if (to - from >= alignment)
    return report.error(21, place, `${what} begins ${to - from} bytes behind the end of the one before it`);
  const padding = await source.read(from, to - from);
  if (padding.some((byte) => byte !== 0))
    report.warning(28, { file: source.name, offset: from }, `the padding before ${what} is not zero`);
}

async function verifyEnd(index: IndexFile, from: number, to: number, isStrict: boolean): Promise<void> {
  if (isStrict ? from === to : from <= to && to - from < alignment) return;
  index.report.error(21, { file: index.source.name, offset: from }, `the last list ends here, and not at byte ${to}`);
}

async function endOfList({ source, toc }: IndexFile, at: number): Promise<number | undefined> {
  if (at + 8 > toc.at) return undefined;
  const end = at + 8 + new Cursor(await source.read(at, 4)).uint32();
  return end > toc.at ? undefined : end;
}

/** Invariant 20: one list. */
async function readList(
  index: IndexFile,
  at: number,
  what: string,
): Promise<{ readonly refs: Uint32Array; readonly end: number } | undefined> {
  const { report, source, toc, version } = index;
  const place = { file: source.name, offset: at };
  const refuse = (found: string): undefined => {
    report.error(20, place, `${what} ${found}`);
    return undefined;
  };
  if (at + 12 > toc.at) return refuse('lies outside the file');
  if (version > 1 && at % alignment !== 0) report.error(20, place, `${what} is not aligned to 4 bytes`);
  const length = new Cursor(await source.read(at, 4)).uint32();
  const end = at + 8 + length;
  if (end > toc.at) return refuse(`of ${length} bytes reaches past the end of the file`);
  const bytes = await source.read(at + 4, length + 4);
  const body = bytes.subarray(0, length);
  if (new Cursor(bytes.subarray(length)).uint32() !== crc32c(body)) return refuse('has a checksum that does not match');
  if (length < 4) return refuse(`of ${length} bytes holds no count`);
  const cursor = new Cursor(body, at + 4);
  const count = cursor.uint32();
  if (length !== 4 + 4 * count) return refuse(`counts ${count} series in ${length - 4} bytes`);
  const refs = new Uint32Array(count);
  for (let entry = 0; entry < count; entry += 1) {
    refs[entry] = cursor.uint32();
    if (entry > 0 && refs[entry]! <= refs[entry - 1]!) return refuse(`does not ascend at entry ${entry}`);
  }
  return { refs, end };
}
