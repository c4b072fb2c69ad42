import { createIntake, readRow, RowVerdict, snappyBlockDecode, type Row } from '@gauntlet/kernel';
import { decodeWriteRequest, decodeWriteRequestV2, resolveSeries, type TimeSeriesV2 } from './index.js';
import {
  hexOf,
  pairsOf,
  recordedHistogram,
  recordedSeries,
  recordings,
  textOf,
  type RecordedSeries,
  type Text,
} from './testing/recordings.js';

interface RecordedV2 {
  readonly name: string;
  readonly body: string;
  readonly snappy: string;
  readonly error?: string;
  readonly decoded?: { readonly symbols: Text[]; readonly timeseries: unknown[] };
  readonly translated?: RecordedSeries[];
  readonly thanosWritten?: number[];
  readonly symbolCheck?: { sortedLabels?: Text[]; error?: string; exemplarError?: string }[];
  readonly prometheus?: { readonly status?: number; readonly body?: string; readonly panic?: string };
}

const cases = recordings<RecordedV2>('rw2.json').map((each) => [each.name, each] as const);
const malformed = expect.objectContaining({ code: 'PROTOBUF_MALFORMED', kind: 'rejected' }) as unknown as Error;
const intake = createIntake({ messageBytesMax: 1 << 24 });

function recordedSeriesV2(series: TimeSeriesV2): unknown {
  return {
    labels_refs: series.labelsRefs,
    samples: series.samples.map(({ bits, timestampMs, startTimestampMs }) => [
      hexOf(bits),
      String(timestampMs),
      String(startTimestampMs),
    ]),
    histograms: series.histograms.map(({ startTimestampMs, ...histogram }) => ({
      ...(recordedHistogram(histogram) as object),
      start_timestamp: String(startTimestampMs),
    })),
    exemplars: series.exemplars.map(({ labelsRefs, bits, timestampMs }) => ({
      labels_refs: labelsRefs,
      value: hexOf(bits),
      timestamp: String(timestampMs),
    })),
    metadata: {
      type: series.metadata?.type ?? 0,
      help_ref: series.metadata?.helpRef ?? 0,
      unit_ref: series.metadata?.unitRef ?? 0,
    },
  };
}

test.each(cases)('the twin decodes or refuses: %s', (_, each) => {
  const body = Buffer.from(each.body, 'base64');
  if (each.decoded === undefined) {
    expect(() => decodeWriteRequestV2(body)).toThrow(malformed);
    return;
  }
  const { symbols, timeseries } = decodeWriteRequestV2(body);
  expect({ symbols: symbols.map(textOf), timeseries: timeseries.map(recordedSeriesV2) }).toEqual(each.decoded);
});

test.each(cases)('the kernel scans or refuses: %s', (_, each) => {
  const body = Buffer.from(each.body, 'base64');
  const schema = { kind: 'prometheus-v2', tenant: 'team-a' } as const;
  const scans = [
    [body, 'identity'],
    ...(each.snappy === undefined ? [] : [[Buffer.from(each.snappy, 'base64'), 'snappy-block'] as const]),
  ] as const;
  for (const [message, encoding] of scans) {
    if (each.decoded === undefined) {
      expect(() => intake.scan(message, encoding, schema)).toThrow(malformed);
      continue;
    }
    const batch = intake.scan(message, encoding, schema);
    expect(batch).toMatchObject({ rowCount: each.decoded.timeseries.length, groupCount: 1 });
    const rows = Array.from({ length: batch.rowCount }, (_, index) => readRow(batch, index));
    // What Thanos counts is what is in the request.
    if (each.thanosWritten !== undefined)
      expect([batch.sampleCount, batch.histogramCount, batch.exemplarCount]).toEqual(each.thanosWritten);
    rows.forEach((row, index) => {
      const check = each.symbolCheck?.[index];
      const isBad = check?.error !== undefined || check?.exemplarError !== undefined;
      if (isBad) expect(row.verdict).toBe(RowVerdict.badReference);
      if (row.verdict === RowVerdict.badReference) return;
      expect(row.labels).toEqual(pairsOf(check!.sortedLabels!));
      if (each.translated === undefined) return; // Where Thanos panics.
      expect(row.labels).toEqual(sorted(pairsOf(each.translated[index]!.labels)));
      const [forwarded] = decodeWriteRequest(row.series).timeseries;
      expect(recordedSeries(forwarded!)).toEqual(forwardedOf(each.translated[index]!));
    });
    expect(batch.refusedCount).toBe(rows.filter(({ verdict }) => verdict !== RowVerdict.ok).length);
    expectAnswer(each, rows);
  }
});

/** Prometheus refuses what a scan refuses, except that it drops labels without a value; where it panics, we refuse. */
function expectAnswer({ prometheus, name }: RecordedV2, rows: readonly Row[]): void {
  if (prometheus === undefined) return;
  const isRefused = rows.some(({ verdict }) => verdict !== RowVerdict.ok);
  if (prometheus.panic !== undefined) expect(isRefused).toBe(true);
  else if (name === 'refs: empty label value (ref 0)') expect(rows[0]!.verdict).toBe(RowVerdict.emptyLabel);
  // What only a database can tell is refused later.
  else if (/bound|histogram/.test(prometheus.body ?? '') && !(prometheus.body ?? '').startsWith('TimeSeries must'))
    expect(isRefused).toBe(false);
  else expect(isRefused).toBe(prometheus.status === 400);
}

type Labels = ReturnType<typeof pairsOf>;

function sorted(labels: Labels): Labels {
  return [...labels].sort(([a], [b]) => Buffer.compare(a, b));
}

function forwardedOf({ labels, samples, exemplars, histograms }: RecordedSeries): unknown {
  return { labels: sorted(pairsOf(labels)).flat().map(textOf), samples, exemplars, histograms };
}

test.each([
  ['symbols: first is not empty', RowVerdict.ok],
  ['samples and histograms in one series', RowVerdict.ok],
  ['symbols after the series', RowVerdict.ok],
  ['refs: unsorted labels', RowVerdict.ok],
  ['refs: over 32 bits keeps the low bits', RowVerdict.ok],
  ['refs: odd number', RowVerdict.badReference],
  ['refs: exactly one past the end', RowVerdict.badReference],
  ['exemplar refs odd', RowVerdict.badReference],
  ['exemplar refs out of range', RowVerdict.badReference],
  ['metadata help_ref out of range', RowVerdict.badReference],
  ['metadata unit_ref out of range', RowVerdict.badReference],
  ['refs: none', RowVerdict.emptyLabel],
  ['refs: empty label name (ref 0)', RowVerdict.emptyLabel],
  ['invalid utf-8 symbol', RowVerdict.notUtf8],
  ['refs: no __name__', RowVerdict.nameMissing],
  ['refs: duplicate label name', RowVerdict.duplicateLabel],
  ['metadata only series', RowVerdict.noItems],
  ['series without samples', RowVerdict.noItems],
])('a series is judged by kernel and twin: %s', (name, verdict) => {
  const body = Buffer.from(new Map(cases).get(name)!.body, 'base64');
  const { symbols, timeseries } = decodeWriteRequestV2(body);
  expect(resolveSeries(timeseries[0]!, symbols).verdict).toBe(verdict);
  expect(readRow(intake.scan(body, 'identity', { kind: 'prometheus-v2', tenant: 'a' }), 0).verdict).toBe(verdict);
});

test('the recorded compressed bodies are the recorded bodies', () => {
  const wrong = cases.filter(
    ([, { snappy, body }]) =>
      snappy !== undefined &&
      !snappyBlockDecode(Buffer.from(snappy, 'base64'), 1 << 24).equals(Buffer.from(body, 'base64')),
  );
  expect(wrong.map(([name]) => name)).toEqual([]);
});
