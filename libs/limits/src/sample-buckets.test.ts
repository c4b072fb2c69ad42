import fc from 'fast-check';
import { bucketsMax, SampleBuckets } from './sample-buckets.js';

const rate = { samplesPerSecond: 100, burst: 300 };

test('a bucket starts full, fills at its rate up to its burst, and says how long to wait', () => {
  const buckets = new SampleBuckets();
  const take = (samples: number, nowMs: number): number => buckets.take({ tenant: 'a', samples, rate, nowMs });
  expect(take(300, 0)).toBe(0);
  expect(take(1, 0)).toBe(10);
  expect(take(100, 0)).toBe(1000);
  expect(take(1, 9)).toBe(1); // What was refused took nothing.
  expect(take(1, 10)).toBe(0);
  expect(take(300, 60_000)).toBe(0);
  expect(take(1, 60_000)).toBe(10);
  expect(take(0, 60_000)).toBe(0);
});

test('a request larger than the burst passes when the bucket is full, and is paid back', () => {
  const buckets = new SampleBuckets();
  const take = (samples: number, nowMs: number): number => buckets.take({ tenant: 'a', samples, rate, nowMs });
  expect(take(1000, 0)).toBe(0);
  expect(take(1, 0)).toBe(7010);
  expect(take(1000, 7010)).toBe(2990);
  expect(take(1000, 10_000)).toBe(0);
});

test('tenants do not share, and those without a rate have no bucket', () => {
  const buckets = new SampleBuckets();
  expect(buckets.take({ tenant: 'a', samples: 300, rate, nowMs: 0 })).toBe(0);
  expect(buckets.take({ tenant: 'b', samples: 300, rate, nowMs: 0 })).toBe(0);
  const unlimited = { samplesPerSecond: 0, burst: 0 };
  expect(buckets.take({ tenant: 'c', samples: 1e9, rate: unlimited, nowMs: 0 })).toBe(0);
  expect(buckets.size).toBe(2);
});

test('another rate holds at once, with what is in the bucket', () => {
  const buckets = new SampleBuckets();
  const take = (samplesPerSecond: number, samples: number, nowMs: number): number =>
    buckets.take({ tenant: 'a', samples, rate: { samplesPerSecond, burst: samplesPerSecond }, nowMs });
  expect(take(100, 100, 0)).toBe(0);
  expect(take(1000, 500, 0)).toBe(500);
  expect(take(10, 10, 1000)).toBe(0);
  expect(take(10, 10, 1000)).toBe(1000);
});

test('the number of buckets is bounded; the tenant that was quiet longest is forgotten', () => {
  const buckets = new SampleBuckets();
  const take = (tenant: string): number => buckets.take({ tenant, samples: 300, rate, nowMs: 0 });
  for (let n = 0; n < bucketsMax; n += 1) expect(take(`tenant-${n}`)).toBe(0);
  expect(take('tenant-0')).toBe(3000);
  expect(take('one-more')).toBe(0);
  expect(buckets.size).toBe(bucketsMax);
  expect(take('tenant-0')).toBe(3000);
  expect(take('tenant-1')).toBe(0);
});

test('over any time no more passes than the burst, the rate and one request', () => {
  const requests = fc.array(fc.record({ samples: fc.integer({ min: 1, max: 1000 }), pauseMs: fc.nat(2000) }), {
    maxLength: 100,
  });
  fc.assert(
    fc.property(
      requests,
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 500 }),
      (list, perSecond, burst) => {
        const buckets = new SampleBuckets();
        const bucketRate = { samplesPerSecond: perSecond, burst };
        let [nowMs, passed] = [0, 0];
        for (const { samples, pauseMs } of list) {
          nowMs += pauseMs;
          const take = (atMs: number): number => buckets.take({ tenant: 'a', samples, rate: bucketRate, nowMs: atMs });
          const waitMs = take(nowMs);
          if (waitMs > 0) {
            expect(take(nowMs + waitMs - 1)).toBe(1); // Not a millisecond too long,
            nowMs += waitMs;
            expect(take(nowMs)).toBe(0); // and long enough.
          }
          expect(passed).toBeLessThanOrEqual(burst + (nowMs * perSecond) / 1000 + 1e-3);
          passed += samples;
        }
      },
    ),
  );
});
