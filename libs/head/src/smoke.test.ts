import { decodeXor } from '@gauntlet/chunk';
import { createHead } from './index.js';
import { layOutBatch } from './testing/lay-out-batch.js';

const t0 = 1_700_000_000_000n;
const one = 0x3ff0000000000000n;

test('the example of the specification is logged byte for byte', () => {
  const head = createHead({ chunkRangeMs: 7_200_000 });
  const rows = ['a', 'b'].map((job) => ({ labels: [['__name__', 'up'], ['job', job]] as const, samples: [{ t: t0, bits: one }] }));
  const { records } = head.append(layOutBatch(rows), 0, { timestampMsMax: Infinity });
  expect(records.map((r) => Buffer.from(r).toString('hex').toUpperCase())).toEqual([
    '01' + '0000000000000001' + '02085F5F6E616D655F5F02757003' + '6A6F620161' + '0000000000000002' + '02085F5F6E616D655F5F02757003' + '6A6F620162',
    '02' + '0000000000000001' + '0000018BCFE56800' + '00003FF0000000000000' + '02003FF0000000000000',
  ]);
  const other = createHead({ chunkRangeMs: 7_200_000 });
  const copies = records.map((r) => r.slice());
  for (const record of copies) other.replay(record);
  expect(other.replayed).toEqual({ series: 2, samples: 2, dropped: 0, unknownRefs: 0 });
  const cursor = other.cursor(-Infinity, Infinity);
  const series = cursor.next()!;
  expect(series.ref).toBe(1);
  expect(decodeXor(series.chunks[0]!.data)).toEqual([{ timestampMs: t0, bits: one }]);
  expect(cursor.next()!.ref).toBe(2);
  expect(cursor.next()).toBeUndefined();
  cursor.close();
  expect(other.truncate(Number(t0) + 1, Infinity)).toBe(false);
  expect(other.seriesCount).toBe(0);
  expect(other.keepInCheckpoint(1, Number(t0))).toBe(true);
});
