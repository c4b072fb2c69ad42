import { crc32c } from '@gauntlet/kernel';
import { Cursor, MalformedError } from './cursor.js';
import type { FileSource } from './file-source.js';
import type { Reporter } from './finding.js';

export interface IndexToc {
  readonly symbols: number;
  readonly series: number;
  readonly labelIndices: number;
  readonly labelIndicesTable: number;
  readonly postings: number;
  readonly postingsTable: number;
  /** Where it lies itself. */
  readonly at: number;
}

/** What the checks of an index share. */
export interface IndexFile {
  readonly source: FileSource;
  readonly version: number;
  readonly toc: IndexToc;
  readonly report: Reporter;
}

/** A section: a length, that many bytes, their checksum. Undefined, and reported as `invariant`, when it is not one. */
export async function readSection(
  { source, report, toc }: IndexFile,
  { at, invariant, what }: { readonly at: number; readonly invariant: number; readonly what: string },
): Promise<Uint8Array | undefined> {
  const place = { file: source.name, offset: at };
  if (at + 8 > toc.at) {
    report.error(invariant, place, `${what} lies outside the file`);
    return undefined;
  }
  const length = new Cursor(await source.read(at, 4)).uint32();
  if (at + 8 + length > toc.at) {
    report.error(invariant, place, `${what} of ${length} bytes reaches past the end of the file`);
    return undefined;
  }
  const bytes = await source.read(at + 4, length + 4);
  const body = bytes.subarray(0, length);
  if (new Cursor(bytes.subarray(length)).uint32() !== crc32c(body)) {
    report.error(invariant, place, `the checksum of ${what} does not match`);
    return undefined;
  }
  return body;
}

/** Runs a check that reads bytes, and reports bytes that end early or do not parse. */
export function parsing<T>(
  { source, report }: IndexFile,
  invariant: number,
  what: string,
  parse: () => T,
): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    report.error(invariant, { file: source.name, offset: error.offset }, `${what}: ${error.message}`);
    return undefined;
  }
}
