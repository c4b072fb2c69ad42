import { statusLine, takeReading } from './status-line.js';
import { parseTextFormat } from './text-format.js';

const router = parseTextFormat(`
thanos_receive_write_samples_sum{code="200",tenant="a"} 3000
thanos_receive_write_samples_sum{code="503",tenant="a"} 50
thanos_receive_replications_total{result="success"} 60
thanos_receive_replications_total{result="error"} 2
`);
const ingester = parseTextFormat(
  'prometheus_tsdb_head_series{tenant="a"} 700\nthanos_shipper_uploads_total{tenant="a"} 1\n',
);

test('rates come from two readings, totals from the newer one, and errors of all kinds are added', () => {
  const before = { atMs: 0, samples: 1000, replications: 0, series: 0, blocks: 0, errors: 0 };
  const now = takeReading({ router, ingesters: [ingester, ingester, []], sendFailures: 3, atMs: 10_000 });
  expect(statusLine(before, now)).toBe(
    '200 samples/s in | 6 replicated requests/s | 1,400 series in heads | 2 blocks shipped | 5 errors',
  );
});

test('without an earlier reading there is no rate, and after a restart none below zero', () => {
  const now = takeReading({ router: [], ingesters: [], sendFailures: 0, atMs: 1000 });
  expect(statusLine(undefined, now)).toMatch(/^- samples\/s/);
  expect(statusLine({ ...now, atMs: 0, samples: 10 }, now)).toMatch(/^0 samples\/s/);
});
