import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { MemorySink } from '../byte-sink.js';
import type { BlockSeries, BlockSinks, SeriesCursor } from '../write-block.js';

export const testdata = join(__dirname, '../../testdata');

export type Pairs = readonly (readonly [string, string])[];

/** Canonical protobuf, as the head hands labels over. */
export function encodeLabels(pairs: Pairs): Uint8Array {
  return Buffer.concat(
    pairs.map(([name, value]) => {
      const label = Buffer.concat([field(0x0a, Buffer.from(name)), field(0x12, Buffer.from(value))]);
      return field(0x0a, label);
    }),
  );
}

function field(tag: number, bytes: Buffer): Buffer {
  const head = [tag];
  let rest = bytes.length;
  for (; rest > 127; rest >>>= 7) head.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...head, rest]), bytes]);
}

export function cursorOf(series: Iterable<BlockSeries>): SeriesCursor {
  const iterator = series[Symbol.iterator]();
  return {
    next: () => {
      const { value, done } = iterator.next() as IteratorResult<BlockSeries, undefined>;
      return done ? undefined : value;
    },
  };
}

/** Sinks that keep the files of a block in memory. */
export function memoryBlock(): BlockSinks & {
  readonly sinks: Map<string, MemorySink>;
  files(): Record<string, Buffer>;
} {
  const sinks = new Map<string, MemorySink>();
  const open = (name: string): Promise<MemorySink> => {
    const sink = new MemorySink();
    sinks.set(name, sink);
    return Promise.resolve(sink);
  };
  return {
    sinks,
    openIndex: () => open('index'),
    openSegment: (name) => open(`chunks/${name}`),
    files: () => Object.fromEntries([...sinks].map(([name, sink]) => [name, sink.bytes()])),
  };
}

/** The directory of a recorded block. */
export function blockDirectory(name: string): string {
  const dir = join(testdata, 'blocks', name);
  return join(
    dir,
    readdirSync(dir).find((entry) => /^[0-9A-Z]{26}$/.test(entry))!,
  );
}

/** The `index` and `chunks/*` of a directory. */
export function filesOf(dir: string): Record<string, Buffer> {
  const files: Record<string, Buffer> = { index: readFileSync(join(dir, 'index')) };
  for (const name of readdirSync(join(dir, 'chunks')))
    files[`chunks/${name}`] = readFileSync(join(dir, 'chunks', name));
  return files;
}

export function readLines<T>(path: string): T[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

export function readJson<T>(path: string): T {
  const bytes = readFileSync(path);
  return JSON.parse((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')) as T;
}

/** The chunk of spec/tsdb.md A.1: 1 at T, 2 at T + 15 s, 3 at T + 30.001 s, with T = 1 700 000 000 000. */
export const exampleChunk = Buffer.from(
  '000380a0abfef9623ff000000000000098 75c25fff8001d80c'.replaceAll(' ', ''),
  'hex',
);
/** One sample: 4 at T + 45 s. */
export const exampleChunkLater = Buffer.from('000190dfb0fef9624010000000000000', 'hex');
/** One sample: 1 at T. */
export const exampleChunkShort = Buffer.from('000180a0abfef9623ff0000000000000', 'hex');
export const exampleTimeMs = 1_700_000_000_000;

/** The two series of spec/tsdb.md A.7. */
export const exampleSeries: readonly BlockSeries[] = [
  {
    labels: encodeLabels([
      ['__name__', 'up'],
      ['job', 'a'],
    ]),
    chunks: [
      { minTimeMs: exampleTimeMs, maxTimeMs: exampleTimeMs + 30_001, encoding: 1, sampleCount: 3, data: exampleChunk },
      {
        minTimeMs: exampleTimeMs + 45_000,
        maxTimeMs: exampleTimeMs + 45_000,
        encoding: 1,
        sampleCount: 1,
        data: exampleChunkLater,
      },
    ],
  },
  {
    labels: encodeLabels([
      ['__name__', 'up'],
      ['job', 'b'],
    ]),
    chunks: [
      { minTimeMs: exampleTimeMs, maxTimeMs: exampleTimeMs, encoding: 1, sampleCount: 1, data: exampleChunkShort },
    ],
  },
];
