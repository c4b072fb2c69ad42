import { decodeChunk } from '@gauntlet/chunk';
import { MemorySource, type ByteSource } from '../byte-source.js';
import { checkChunkSegment, readChunk } from '../chunk-reader.js';
import { openIndex } from '../index-reader.js';

/** Refuses reads outside the file: readers promise to make none. */
class StrictSource extends MemorySource {
  override read(offset: number, length: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(offset) || !(offset >= 0 && length >= 0 && offset + length <= this.size))
      throw new Error(
        `Cannot read ${length} bytes at ${offset} of a file of ${this.size}: the reader asked for too much`,
      );
    return super.read(offset, length);
  }
}

/** Everything an index says, as text that can be compared. */
export async function indexContent(bytes: Uint8Array): Promise<string> {
  const index = await openIndex(new StrictSource('index', bytes));
  const content: unknown[] = [[...index.symbols()]];
  for (const name of ['', ...index.labelNames()])
    for (const value of name === '' ? [''] : index.labelValues(name))
      content.push([name, value, (await index.postings(name, value)).join()]);
  for await (const series of index.allSeries()) content.push(series);
  return JSON.stringify(content);
}

/** The chunks at these references, decoded. */
export async function chunkContent(
  files: Readonly<Record<string, Uint8Array>>,
  refs: readonly number[],
): Promise<string> {
  const segments: ByteSource[] = Object.entries(files).map(([name, bytes]) => new StrictSource(name, bytes));
  for (const segment of segments) await checkChunkSegment(segment);
  const content: unknown[] = [];
  for (const ref of refs) {
    const { encoding, data } = await readChunk(segments, ref);
    content.push([encoding, decodeChunk(encoding, data)]);
  }
  return JSON.stringify(content, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
