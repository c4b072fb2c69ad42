// Measures the intake on what a busy Prometheus sends: 2,000 series of 14 labels (about 420 bytes) with one sample each,
// as remote write 1.0 and 2.0.
import {
  createIntake,
  crc32c,
  snappyBlockDecode,
  snappyBlockEncode,
  snappyFramedEncode,
  type ScannedBatch,
} from './index.js';

const seriesCount = 2000;

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

function field(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag, ...varint(content.length)]), content]);
}

function labelsOf(index: number): [string, string][] {
  return [
    ['__name__', `http_server_request_duration_seconds_bucket_${index % 12}`],
    ['cluster', 'production-eu-west-1a'],
    ['container', 'checkout-service'],
    ['endpoint', 'http-metrics'],
    ['environment', 'production'],
    ['instance', `10.${index % 7}.${index % 251}.17:9100`],
    ['job', 'kubernetes/checkout-service'],
    ['le', String(0.005 * 2 ** (index % 12))],
    ['method', index % 3 === 0 ? 'POST' : 'GET'],
    ['namespace', 'shop-backend-services'],
    ['pod', `checkout-service-7d9f8b6c5-${(index * 7919).toString(36)}`],
    ['prometheus', 'monitoring/k8s-prometheus'],
    ['region', 'eu-west-1'],
    ['status_code', String(200 + (index % 5))],
  ];
}

function sample(index: number): Buffer {
  const value = Buffer.alloc(9);
  value[0] = 0x09;
  value.writeDoubleLE(index * 1.25 + 1, 1);
  return field(0x12, Buffer.concat([value, Buffer.from([0x10, ...varint(1_780_000_000_000 + index)])]));
}

function series(index: number): Buffer {
  return Buffer.concat([
    ...labelsOf(index).map(([name, value]) =>
      field(0x0a, Buffer.concat([field(0x0a, Buffer.from(name)), field(0x12, Buffer.from(value))])),
    ),
    sample(index),
  ]);
}

/** The same series as remote write 2.0. `turn` moves the first labels of each behind the others, so that they have to be sorted. */
function bodyV2(turn = 0): Buffer {
  const refs = new Map([['', 0]]);
  const ref = (text: string): number => {
    if (!refs.has(text)) refs.set(text, refs.size);
    return refs.get(text)!;
  };
  const all = Array.from({ length: seriesCount }, (_, index) => {
    const labels = labelsOf(index);
    const turned = [...labels.slice(turn), ...labels.slice(0, turn)];
    const labelsRefs = Buffer.from(turned.flatMap((label) => label.flatMap((text) => varint(ref(text)))));
    // Prometheus sends metadata along with every series.
    const help = varint(ref(`Says what ${labels[0]![1]} counts`));
    const metadata = field(0x2a, Buffer.from([0x08, 4, 0x18, ...help]));
    return field(0x2a, Buffer.concat([field(0x0a, labelsRefs), sample(index), metadata]));
  });
  return Buffer.concat([...Array.from(refs.keys(), (text) => field(0x22, Buffer.from(text))), ...all]);
}

/** The best of several rounds in seconds per call: other work on the machine only ever adds time. */
function time(call: () => unknown): number {
  const callsPerRound = 20;
  let best = Infinity;
  for (let round = 0; round < 40; round += 1) {
    const start = performance.now();
    for (let count = 0; count < callsPerRound; count += 1) call();
    best = Math.min(best, (performance.now() - start) / callsPerRound / 1000);
  }
  return best;
}

function print(what: string, seconds: number, amount: number, unit: string): void {
  console.log(
    `${what.padEnd(44)} ${(seconds * 1e6).toFixed(0).padStart(6)} us  ${(amount / seconds).toFixed(2).padStart(8)} ${unit}`,
  );
}

const body = Buffer.concat(Array.from({ length: seriesCount }, (_, index) => field(0x0a, series(index))));
const block = snappyBlockEncode(body);
const intake = createIntake({ messageBytesMax: 32 * 1024 * 1024 });
const schema = { kind: 'prometheus', tenant: 'team-a' } as const;
console.log(`body ${body.length} bytes, block ${block.length} bytes`);
print(
  'block decode',
  time(() => snappyBlockDecode(block, 1 << 30)),
  body.length / 1e9,
  'GB/s',
);
print(
  'block encode',
  time(() => snappyBlockEncode(body)),
  body.length / 1e9,
  'GB/s',
);
print(
  'framed encode',
  time(() => snappyFramedEncode(body)),
  body.length / 1e9,
  'GB/s',
);
print(
  'scan, two hashes',
  time(() => intake.scan(body, 'identity', schema)),
  seriesCount / 1e6,
  'M series/s',
);
print(
  'scan, thanos, labels hash only',
  time(() => intake.scan(body, 'identity', { kind: 'thanos', routeHashes: false })),
  seriesCount / 1e6,
  'M series/s',
);
print(
  'scan, thanos, two hashes',
  time(() => intake.scan(body, 'identity', { kind: 'thanos' })),
  seriesCount / 1e6,
  'M series/s',
);
print(
  'block decode and scan, two hashes',
  time(() => intake.scan(block, 'snappy-block', schema)),
  seriesCount / 1e6,
  'M series/s',
);
const second = { kind: 'prometheus-v2', tenant: 'team-a' } as const;
const body2 = bodyV2();
const block2 = snappyBlockEncode(body2);
const turned = bodyV2(1);
console.log(`2.0: body ${body2.length} bytes, block ${block2.length} bytes`);
print(
  '2.0: scan, two hashes',
  time(() => intake.scan(body2, 'identity', second)),
  seriesCount / 1e6,
  'M series/s',
);
print(
  '2.0: scan, __name__ behind the other labels',
  time(() => intake.scan(turned, 'identity', second)),
  seriesCount / 1e6,
  'M series/s',
);
print(
  '2.0: block decode and scan, two hashes',
  time(() => intake.scan(block2, 'snappy-block', second)),
  seriesCount / 1e6,
  'M series/s',
);
const everyRow = Uint32Array.from({ length: seriesCount }, (_, index) => index);
for (const [name, message, messageSchema] of [
  ['1.0', block, schema],
  ['2.0', block2, second],
] as const) {
  print(
    `${name}: block decode, scan and gather, uncompressed`,
    time(() => {
      intake.scan(message, 'snappy-block', messageSchema);
      return intake.gather(everyRow, 'team-a', 1, 'identity');
    }),
    seriesCount / 1e6,
    'M series/s',
  );
}
let batch: ScannedBatch = intake.scan(block, 'snappy-block', schema);
const rows = Uint32Array.from({ length: batch.rowCount }, (_, index) => index);
print(
  'gather all rows, uncompressed',
  time(() => intake.gather(rows, 'team-a', 1, 'identity')),
  body.length / 1e6,
  'MB/s',
);
print(
  'gather all rows, framed',
  time(() => intake.gather(rows, 'team-a', 1, 'snappy-framed')),
  body.length / 1e6,
  'MB/s',
);
const third = rows.filter((row) => row % 3 === 0);
print(
  'gather every third row, framed',
  time(() => intake.gather(third, 'team-a', 1, 'snappy-framed')),
  body.length / 3e6,
  'MB/s',
);
batch = intake.scan(intake.gather(rows, 'team-a', 1, 'snappy-framed'), 'snappy-framed', {
  kind: 'thanos',
  routeHashes: false,
});
const framed = snappyFramedEncode(body);
print(
  'framed decode and scan',
  time(() => intake.scan(framed, 'snappy-framed', { kind: 'thanos', routeHashes: false })),
  seriesCount / 1e6,
  'M series/s',
);
const page = body.subarray(0, 32768);
print(
  'crc32c of 32 KiB',
  time(() => crc32c(page)),
  page.length / 1e9,
  'GB/s',
);
const small = body.subarray(0, 200);
print(
  'crc32c of 200 B',
  time(() => crc32c(small)),
  small.length / 1e9,
  'GB/s',
);
