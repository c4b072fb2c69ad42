import { crc32c } from '../crc32c.js';
import { indexMagic } from '../index-writer.js';

/** The bodies of an index file's sections, right or wrong: lengths, checksums and offsets are put around them as they should be. */
export interface RawIndex {
  readonly version?: number;
  /** Count and strings. */
  readonly symbols: Uint8Array;
  /** One series entry, at reference `rawSeriesRef`. */
  readonly series: Uint8Array;
  /** The list of all series; by default that one series. */
  readonly list?: Uint8Array;
  /** The whole offset table; by default one that knows the list of all series. */
  readonly table?: Uint8Array;
}

/** Offset of the series entry, at which the references of all versions agree is right: it is a multiple of 16. */
export function rawSeriesRef(symbols: Uint8Array): number {
  return Math.ceil((5 + symbols.length + 8) / 16);
}

export function rawIndex({ version = 2, symbols, series, list, table }: RawIndex): Buffer {
  const ref = rawSeriesRef(symbols);
  const file: Uint8Array[] = [Buffer.concat([uint32(indexMagic), Buffer.from([version]), section(symbols)])];
  const at = (): number => file.reduce((sum, { length }) => sum + length, 0);
  file.push(Buffer.alloc(16 * ref - at()));
  const seriesAt = at();
  file.push(Buffer.concat([uvarint(series.length), series, uint32(crc32c(series))]));
  file.push(Buffer.alloc((4 - (at() % 4)) % 4));
  const listAt = at();
  file.push(section(list ?? Buffer.concat([uint32(1), uint32(ref)])));
  const tableAt = at();
  file.push(section(table ?? Buffer.concat([uint32(1), Buffer.from([2, 0, 0]), uvarint(listAt)])));
  const toc = Buffer.concat(
    [5, seriesAt, listAt, tableAt, listAt, tableAt].map((offset) => Buffer.concat([uint32(0), uint32(offset)])),
  );
  return Buffer.concat([...file, toc, uint32(crc32c(toc))]);
}

export function section(body: Uint8Array): Buffer {
  return Buffer.concat([uint32(body.length), body, uint32(crc32c(body))]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function uvarint(value: number): Buffer {
  const bytes = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
