import { MiB } from '@gauntlet/base';
import { createIntake, snappyBlockEncode } from '@gauntlet/kernel';
import type { TenantId } from '@gauntlet/model';
import { encodeWriteRequest } from '@gauntlet/remote-write';
import { rewriteRequest, type RewriteRules } from './rewrite-request.js';

// What rules add to the scan of a request: 2,000 series of 14 labels and one sample. On two busy cores, Node 20, µs of CPU a series: no rules 0.35,
// a split label that no series has 0.40, a split label 1.9 (5.0 with a walk over each field of each label), rules that change nothing 4.9 (6.7),
// and that take a label 4.3 (8.4); both with copies of names and values before.
const seriesCount = 2000;
const rounds = 100;
const tenant = 'team' as TenantId;

const timeseries = Array.from({ length: seriesCount }, (_, i) => ({
  labels: [
    ['__name__', `http_requests_total_${i % 50}`],
    ...Array.from({ length: 12 }, (_unused, l) => [
      `label_${String(l).padStart(2, '0')}`,
      `value-${l}-${(i * 7919 + l * 31) % 1000}-abcdef`,
    ]),
    ['team', `team-${i % 7}`],
  ] as [string, string][],
  samples: [{ timestampMs: 1_780_000_000_000, value: i }],
}));
const body = snappyBlockEncode(encodeWriteRequest({ timeseries }));
const intake = createIntake({ messageBytesMax: 64 * MiB });

const cases: Readonly<Record<string, RewriteRules>> = {
  'no rules': {},
  'a split label that no series has': { splitLabel: 'squad' },
  'a split label': { splitLabel: 'team' },
  'relabelling that changes nothing': { relabel: (labels) => labels },
  'relabelling that takes a label': { relabel: (labels) => labels.slice(0, -1) },
};
for (const [name, rules] of Object.entries(cases)) {
  for (const run of ['warm-up', 'measured']) {
    const start = process.cpuUsage();
    for (let i = 0; i < rounds; i += 1) {
      const batch = intake.scan(body, 'snappy-block', { kind: 'prometheus', tenant });
      const rewritten = rewriteRequest({ batch, tenant, keepsRefusals: false }, rules);
      if (rewritten) intake.scan(rewritten.message, 'identity', { kind: 'thanos' });
    }
    const { user, system } = process.cpuUsage(start);
    if (run === 'measured') console.log(`${name}: ${((user + system) / rounds / seriesCount).toFixed(2)} µs a series`);
  }
}
