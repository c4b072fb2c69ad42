import { MiB } from '@gauntlet/base';
import { xxh64 } from '@gauntlet/kernel';
import fc from 'fast-check';
import { canonicalLabels, labelsOf } from '@gauntlet/model';
import type { SelectedChunk, SelectedSeries } from '@gauntlet/select';
import { frameBytesMax, SeriesFrames } from './series-frames.js';
import type { Plain } from './testing/messages.js';
import { RecordingSink } from './testing/recording-sink.js';

/* What is written is read by a decoder that knows nothing of us. */

function framesOf(all: readonly SelectedSeries[], batchSeriesMax: number): { sink: RecordingSink; messages: Plain[] } {
  const sink = new RecordingSink();
  const frames = new SeriesFrames(sink, batchSeriesMax);
  for (const series of all) {
    let from = 0;
    do from = frames.add(series, from);
    while (from < series.chunks.length);
  }
  frames.flush();
  return { sink, messages: sink.messages('thanos.SeriesResponse') };
}

const chunkOf = (minTimeMs: number, data: Uint8Array, encoding = 1): SelectedChunk => ({
  minTimeMs,
  maxTimeMs: minTimeMs + 5,
  encoding,
  data,
});
const seriesOf = (labels: Record<string, string>, chunks: readonly SelectedChunk[]): SelectedSeries => ({
  labels: canonicalLabels(labelsOf(labels)),
  chunks,
});

const series = fc.record({
  labels: fc
    .dictionary(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 140 }),
    )
    .map((record) => canonicalLabels(labelsOf(record))),
  chunks: fc.array(
    fc.record({
      minTimeMs: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1)),
      maxTimeMs: fc.maxSafeInteger(),
      encoding: fc.integer({ min: 1, max: 3 }),
      data: fc.uint8Array({ maxLength: 150 }),
    }),
    { maxLength: 8 },
  ),
});

test('series come out as they went in, with the hash of each chunk, in frames of one or in batches', () => {
  fc.assert(
    fc.property(fc.array(series, { maxLength: 7 }), fc.nat(5), (all, batchSeriesMax) => {
      const { messages } = framesOf(all, batchSeriesMax);
      const entries = messages.flatMap((message) => (message.batch ? message.batch.series : [message.series]));
      const sent = entries.map(({ labels, chunks }: Plain) => ({
        labels: canonicalLabels(labels),
        chunks: chunks.map(({ minTime = '0', maxTime = '0', raw }: Plain) => ({
          minTimeMs: Number(minTime),
          maxTimeMs: Number(maxTime),
          encoding: (raw.type ?? 0) + 1,
          data: new Uint8Array(raw.data),
        })),
      }));
      expect(sent).toEqual(all);
      for (const { raw } of entries.flatMap(({ chunks }: Plain) => chunks))
        expect(BigInt(raw.hash)).toBe(xxh64(raw.data));
      for (const { batch } of messages)
        expect(batch?.series.length ?? 1).toBeLessThanOrEqual(Math.max(1, batchSeriesMax));
      if (batchSeriesMax > 1) expect(messages).toHaveLength(Math.ceil(all.length / batchSeriesMax));
    }),
  );
});

test('a series of many megabytes comes in frames of about one, in the order of time', () => {
  const chunks = Array.from({ length: 400 }, (_, index) => chunkOf(index, Buffer.alloc(10_000, index)));
  const { sink, messages } = framesOf([seriesOf({ a: 'b' }, chunks)], 0);
  expect(messages.length).toBeGreaterThanOrEqual(4);
  for (const frame of sink.frames) expect(frame.length).toBeLessThan(frameBytesMax + 16);
  for (const frame of sink.frames.slice(0, -1)) expect(frame.length).toBeGreaterThan(frameBytesMax * 0.9);
  const times = messages.flatMap((message) => message.series.chunks.map(({ minTime = '0' }: Plain) => Number(minTime)));
  expect(times).toEqual(chunks.map(({ minTimeMs }) => minTimeMs));
  for (const message of messages) expect(message.series.labels).toEqual([{ name: 'a', value: 'b' }]);
});

test('labels of a megabyte are not repeated for each chunk', () => {
  const chunks = Array.from({ length: 1000 }, (_, index) => chunkOf(index, Buffer.alloc(200)));
  const { messages } = framesOf([seriesOf({ a: 'b'.repeat(MiB) }, chunks)], 64);
  expect(messages).toHaveLength(1);
});

test('a chunk that is larger than a frame is sent whole', () => {
  const { messages } = framesOf(
    [seriesOf({ a: 'b' }, [chunkOf(0, Buffer.alloc(3 * MiB)), chunkOf(9, Buffer.alloc(5))])],
    0,
  );
  expect(messages.map((message) => message.series.chunks.length)).toEqual([1, 1]);
});

test('a batch is sent when it is large, however few series it has', () => {
  const all = Array.from({ length: 40 }, () => seriesOf({ a: 'b' }, [chunkOf(0, Buffer.alloc(100_000))]));
  const { sink, messages } = framesOf(all, 1000);
  expect(messages.length).toBeGreaterThanOrEqual(3);
  for (const frame of sink.frames) expect(frame.length).toBeLessThan(frameBytesMax + 200_000);
});

test('a series without chunks has one frame', () => {
  const { messages } = framesOf([seriesOf({ a: 'b' }, [])], 0);
  expect(messages).toEqual([{ series: { labels: [{ name: 'a', value: 'b' }], chunks: [] } }]);
});

test('what stands before a warning is sent before it', () => {
  const sink = new RecordingSink();
  const frames = new SeriesFrames(sink, 8);
  frames.add(seriesOf({ a: '1' }, []));
  frames.addWarning('some are missing');
  frames.add(seriesOf({ a: '2' }, []));
  frames.flush();
  const messages = sink.messages('thanos.SeriesResponse');
  expect(messages.map(({ batch, warning }) => warning ?? batch.series[0].labels[0].value)).toEqual([
    '1',
    'some are missing',
    '2',
  ]);
});

test('a chunk of an encoding that StoreAPI does not have is a bug of the store', () => {
  expect(() => framesOf([seriesOf({ a: '1' }, [chunkOf(0, Buffer.alloc(9), 4)])], 0)).toThrow('encodings');
});
