import { kernelCodec } from './codec.js';
import { snappyFlag } from './fragment.js';
import { LogLayout, recordsIn } from './log-layout.js';

test.each([
  [100, snappyFlag],
  [101, 0],
])('a record of %d bytes, where readers decompress to 100 at most, is stored with flags %d', (length, compression) => {
  const layout = new LogLayout({
    segment: 0,
    segmentBytesMax: 1 << 20,
    codec: kernelCodec,
    compressedRecordBytesMax: 100,
  });
  const record = Buffer.alloc(length, 7);
  layout.append(record, true);
  const [stored] = recordsIn(layout.take());
  expect(stored?.compression).toBe(compression);
  const plain = compression === 0 ? stored!.stored : kernelCodec.snappyDecode(stored!.stored, 100);
  expect(Buffer.from(plain)).toEqual(record);
});
