import { KiB, secondMs } from '@gauntlet/base';
import { bucketOperations, type BucketObserver } from '@gauntlet/objstore';
import { createCounter, createGauge, createHistogram, type MetricRegistry } from '@gauntlet/telemetry';

const durationBuckets = [0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120];
const byteBuckets = Array.from({ length: 16 }, (_, power) => 32 * KiB * 2 ** power);

/** Metrics of a bucket under the names that dashboards know (spec/objstore.md 4). */
export function bucketMetrics(
  registry: MetricRegistry,
  { bucket, nowMs }: { bucket: string; nowMs: () => number },
): BucketObserver {
  const labelNames = ['bucket', 'operation'];
  const counter = (name: string, help: string) => createCounter(registry, { name, help, labelNames });
  const started = counter('thanos_objstore_bucket_operations_total', 'Operations begun on the bucket.');
  const failed = counter(
    'thanos_objstore_bucket_operation_failures_total',
    'Operations on the bucket that failed unexpectedly.',
  );
  const fetched = counter('thanos_objstore_bucket_operation_fetched_bytes_total', 'Bytes read from the bucket.');
  const transferred = createHistogram(registry, {
    name: 'thanos_objstore_bucket_operation_transferred_bytes',
    help: 'Bytes moved by one operation.',
    labelNames,
    buckets: byteBuckets,
  });
  const seconds = createHistogram(registry, {
    name: 'thanos_objstore_bucket_operation_duration_seconds',
    help: 'Time that one operation took.',
    labelNames,
    buckets: durationBuckets,
  });
  const lastUpload = createGauge(registry, {
    name: 'thanos_objstore_bucket_last_successful_upload_time',
    help: 'When an upload last succeeded, Unix seconds.',
    labelNames: ['bucket'],
  }).cell(bucket);
  for (const operation of bucketOperations) {
    started.cell(bucket, operation);
    failed.cell(bucket, operation);
    seconds.cell(bucket, operation);
  }
  return {
    started: (operation) => void (started.cell(bucket, operation).value += 1),
    ended: (operation, outcome, took, bytes) => {
      if (outcome === 'failed') failed.cell(bucket, operation).value += 1;
      seconds.cell(bucket, operation).observe(took);
      if (bytes > 0) transferred.cell(bucket, operation).observe(bytes);
      if (operation === 'get' || operation === 'get_range') fetched.cell(bucket, operation).value += bytes;
      if (operation === 'upload' && outcome === 'ok') lastUpload.value = nowMs() / secondMs;
    },
  };
}
