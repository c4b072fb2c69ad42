import { messageOf, type Clock } from '@gauntlet/base';
import { BucketConfigError, observeBucket, openBucket, parseBucketConfig, type Bucket } from '@gauntlet/objstore';
import type { MetricRegistry } from '@gauntlet/telemetry';
import { bucketMetrics } from './objstore-metrics.js';

/** A YAML document, and the flag or file it came from. */
export interface BucketConfig {
  readonly content: string;
  readonly source: string;
}

/** The bucket that blocks go to, with its metrics. Rejects with BucketConfigError, which names the source. */
export async function openConfiguredBucket(
  { content, source }: BucketConfig,
  { registry, clock }: { readonly registry: MetricRegistry; readonly clock: Clock },
): Promise<Bucket> {
  const bucket = await openBucketOf(content).catch((error: unknown) => {
    throw new BucketConfigError(`Cannot use ${source}: ${messageOf(error)}`, { cause: error });
  });
  return observeBucket(bucket, bucketMetrics(registry, { bucket: bucket.name, nowMs: () => clock.nowMs() }), clock);
}

async function openBucketOf(content: string): Promise<Bucket> {
  return openBucket(parseBucketConfig(content));
}
