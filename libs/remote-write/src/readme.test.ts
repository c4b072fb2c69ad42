import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RowVerdict } from '@gauntlet/kernel';
import { staleMarkerBits } from '@gauntlet/model';
import {
  decodeWriteRequest,
  decodeWriteRequestV2,
  encodeWriteRequest,
  encodeWriteRequestV2,
  judgeLabels,
  resolveSeries,
} from './index.js';

test('the example of the README holds', () => {
  const body = encodeWriteRequest({
    timeseries: [
      {
        labels: [
          ['__name__', 'up'],
          ['job', 'api'],
        ],
        samples: [{ timestampMs: 1_780_000_000_000, value: 1 }],
      },
    ],
  });
  const { timeseries } = decodeWriteRequest(body);
  expect(timeseries[0]?.labels.map(String)).toEqual(['__name__,up', 'job,api']);
  expect(timeseries[0]?.samples).toEqual([{ timestampMs: 1_780_000_000_000n, bits: 0x3ff0000000000000n }]);
  expect(judgeLabels(timeseries[0]?.labels ?? [])).toBe(RowVerdict.ok);

  const ended = { timestampMs: 1_780_000_015_000, bits: staleMarkerBits }; // Bits, since a number may lose a NaN's payload.
  expect(
    decodeWriteRequest(encodeWriteRequest({ timeseries: [{ labels: [], samples: [ended] }] })).timeseries[0]?.samples[0]
      ?.bits,
  ).toBe(staleMarkerBits);

  // Remote write 2.0 names every text once. Resolved, its series are those of 1.0.
  const second = decodeWriteRequestV2(encodeWriteRequestV2({ timeseries: timeseries.slice(0, 1) }));
  expect(second.symbols.map(String)).toEqual(['', '__name__', 'up', 'job', 'api']);
  expect(resolveSeries(second.timeseries[0]!, second.symbols)).toEqual({
    verdict: RowVerdict.ok,
    series: timeseries[0],
  });
});

test('the README shows the example that is tested', () => {
  expectShown(join(__dirname, '../README.md'), __filename);
});

/** Every line of the README's example is a line of the test. */
function expectShown(readme: string, testFile: string): void {
  const example = readFileSync(readme, 'utf8').split('```')[1]!.split('\n').slice(1);
  const tested = new Set(
    readFileSync(testFile, 'utf8')
      .split('\n')
      .map((line) => line.trim()),
  );
  expect(example.map((line) => line.trim()).filter((line) => line !== '' && !tested.has(line))).toEqual([]);
}
