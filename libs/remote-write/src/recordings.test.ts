import {
  createIntake,
  MessageError,
  readGroup,
  readRow,
  RowVerdict,
  snappyBlockDecode,
  xxh64,
  xxh64Twin,
} from '@gauntlet/kernel';
import { decodeThanosWriteRequest, decodeWriteRequest, encodeThanosWriteRequest, encodeWriteRequest } from './index.js';
import {
  bytesOf,
  pairsOf,
  recordedSeries,
  recordings,
  samplesOf,
  textOf,
  withoutChecks,
  type Recorded,
  type RecordedSeries,
  type Text,
} from './testing/recordings.js';

interface RecordedPeerWrite extends Omit<Recorded, 'decoded'> {
  readonly encodedByThanos: string;
  readonly decoded?: {
    readonly tenant: Text;
    readonly replica: string;
    readonly timeseries: RecordedSeries[];
    readonly timeseriesTenantData: { readonly tenant: Text; readonly timeseries: RecordedSeries[] }[];
  };
}

const verdicts: Record<string, RowVerdict> = {
  'label set contains a label with empty name or value': RowVerdict.emptyLabel,
  'label set contains duplicate label names': RowVerdict.duplicateLabel,
  'out of order labels': RowVerdict.unsortedLabel,
};

const malformed = expect.objectContaining({ code: 'PROTOBUF_MALFORMED', kind: 'rejected' }) as unknown as Error;
const bytesMax = 1 << 24;

describe('remote write 1.0', () => {
  const cases = recordings<Recorded>('rw1.json');

  test.each(cases.map((each) => [each.name, each] as const))('the twin decodes or refuses: %s', (_, each) => {
    const body = Buffer.from(each.body, 'base64');
    if (each.decoded === undefined) {
      expect(() => decodeWriteRequest(body)).toThrow(malformed);
      return;
    }
    const request = decodeWriteRequest(body);
    expect(request.timeseries.map(recordedSeries)).toEqual(each.decoded.timeseries.map(withoutChecks));
    expect(
      request.metadata.map(({ type, metricFamilyName, help, unit }) => ({
        type,
        metric_family_name: textOf(metricFamilyName),
        help: textOf(help),
        unit: textOf(unit),
      })),
    ).toEqual(each.decoded.metadata);
    // What is encoded again means the same, though it need not be the same bytes.
    expect(decodeWriteRequest(encodeWriteRequest(request))).toEqual(request);
  });

  const intake = createIntake({ messageBytesMax: bytesMax });
  test.each(cases.map((each) => [each.name, each] as const))('the kernel scans or refuses: %s', (_, each) => {
    const schema = { kind: 'prometheus', tenant: 'team-a' } as const;
    const body = Buffer.from(each.body, 'base64');
    if (each.decoded === undefined) {
      expect(() => intake.scan(body, 'identity', schema)).toThrow(malformed);
      return;
    }
    const { timeseries, metadata } = each.decoded;
    const scans =
      each.snappy === undefined
        ? [[body, 'identity'] as const]
        : [[body, 'identity'] as const, [Buffer.from(each.snappy, 'base64'), 'snappy-block'] as const];
    for (const [message, encoding] of scans) {
      const batch = intake.scan(message, encoding, schema);
      expect(batch).toMatchObject({ rowCount: timeseries.length, groupCount: 1, metadataCount: metadata.length });
      expect(readGroup(batch, 0)).toEqual({ tenant: Buffer.from('team-a'), firstRow: 0, rowCount: timeseries.length });
      timeseries.forEach((series, index) => {
        expect(readRow(batch, index)).toMatchObject({
          labels: pairsOf(series.labels),
          samples: samplesOf(series.samples),
          exemplarCount: series.exemplars.length,
          histogramCount: series.histograms.length,
          verdict: series.labelsError === undefined ? RowVerdict.ok : verdicts[series.labelsError],
          group: 0,
          labelCount: series.labels.length / 2,
        });
      });
    }
  });

  test('the recorded compressed bodies are the recorded bodies', () => {
    const wrong = cases.filter(
      (each) =>
        each.snappy !== undefined &&
        snappyBlockDecode(Buffer.from(each.snappy, 'base64'), bytesMax).toString('base64') !== each.body,
    );
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });
});

describe('writes between peers', () => {
  const cases = recordings<RecordedPeerWrite>('peer-write.json');
  const intake = createIntake({ messageBytesMax: bytesMax });

  test.each(cases.map((each) => [each.name, each] as const))('the twin decodes, encodes or refuses: %s', (_, each) => {
    const body = Buffer.from(each.body, 'base64');
    if (each.decoded === undefined) {
      expect(() => decodeThanosWriteRequest(body)).toThrow(malformed);
      return;
    }
    const request = decodeThanosWriteRequest(body);
    expect({
      tenant: textOf(request.tenant),
      replica: String(request.replica),
      timeseries: request.timeseries.map(recordedSeries),
      timeseriesTenantData: request.tenants.map(({ tenant, timeseries }) => ({
        tenant: textOf(tenant),
        timeseries: timeseries.map(recordedSeries),
      })),
    }).toEqual({
      tenant: each.decoded.tenant,
      replica: each.decoded.replica,
      timeseries: each.decoded.timeseries.map(withoutChecks),
      timeseriesTenantData: each.decoded.timeseriesTenantData.map(({ tenant, timeseries }) => ({
        tenant,
        timeseries: timeseries.map(withoutChecks),
      })),
    });
    expect(encodeThanosWriteRequest(request).toString('base64')).toBe(each.encodedByThanos);
  });

  test.each(cases.map((each) => [each.name, each] as const))('the kernel scans or refuses: %s', (_, each) => {
    const body = Buffer.from(each.body, 'base64');
    if (each.decoded === undefined) {
      expect(() => intake.scan(body, 'identity', { kind: 'thanos' })).toThrow(malformed);
      return;
    }
    const { tenant, timeseries, timeseriesTenantData, replica } = each.decoded;
    const groups = timeseriesTenantData.length > 0 ? timeseriesTenantData : [{ tenant, timeseries }];
    const batch = intake.scan(body, 'identity', { kind: 'thanos' });
    expect(batch.replica).toBe(Number(replica));
    expect(batch.groupCount).toBe(groups.length);
    let row = 0;
    groups.forEach((group, index) => {
      expect(readGroup(batch, index)).toEqual({
        tenant: bytesOf(group.tenant),
        firstRow: row,
        rowCount: group.timeseries.length,
      });
      for (const series of group.timeseries) {
        expect(readRow(batch, row)).toMatchObject({
          labels: pairsOf(series.labels),
          samples: samplesOf(series.samples),
          group: index,
        });
        row += 1;
      }
    });
    expect(batch.rowCount).toBe(row);
  });
});

describe('series hashes', () => {
  const cases = recordings<{ name: string; tenant: Text; labels: Text[]; hash: string; labelsHash: string }>(
    'series-hash.json',
  );

  test('kernel and twin hash the bytes of tenant and labels as recorded', () => {
    for (const each of cases) {
      const labels = each.labels.flatMap((text) => [bytesOf(text), Buffer.of(0xff)]);
      const routed = Buffer.concat([bytesOf(each.tenant), Buffer.of(0xff), ...labels]);
      for (const hash of [xxh64, xxh64Twin]) {
        expect(hash(routed)).toBe(BigInt(each.hash));
        expect(hash(Buffer.concat(labels))).toBe(BigInt(each.labelsHash));
      }
    }
  });

  test('a scan leaves both hashes in each row, for either schema', () => {
    const intake = createIntake({ messageBytesMax: bytesMax });
    for (const each of cases) {
      const timeseries = [{ labels: pairsOf(each.labels), samples: [], exemplars: [], histograms: [] }];
      const hashes = { routeHash: BigInt(each.hash), labelsHash: BigInt(each.labelsHash) };
      const peerWrite = encodeThanosWriteRequest({
        timeseries,
        tenant: bytesOf(each.tenant),
        replica: 1n,
        tenants: [],
      });
      expect(readRow(intake.scan(peerWrite, 'identity', { kind: 'thanos' }), 0)).toMatchObject(hashes);
      expect(readRow(intake.scan(peerWrite, 'identity', { kind: 'thanos', routeHashes: false }), 0)).toMatchObject({
        ...hashes,
        routeHash: 0n,
      });
      if (typeof each.tenant !== 'string') continue; // A header cannot carry it.
      const body = encodeWriteRequest({ timeseries });
      expect(readRow(intake.scan(body, 'identity', { kind: 'prometheus', tenant: each.tenant }), 0)).toMatchObject(
        hashes,
      );
    }
  });
});

test('recordings that are refused make the error class of the kernel', () => {
  expect(() => decodeWriteRequest(Buffer.from('0a', 'hex'))).toThrow(MessageError);
});
