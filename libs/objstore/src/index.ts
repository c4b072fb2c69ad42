export { type Bucket, type ObjectAttributes, type ObjectSource } from './bucket.js';
export { BucketConfigError, parseBucketConfig, type BucketConfig } from './bucket-config.js';
export { BucketError, isObjectNotFound, type BucketErrorCode } from './bucket-error.js';
export { SourceSizeError, bytesSource } from './object-source.js';
export {
  bucketOperations,
  observeBucket,
  type BucketObserver,
  type BucketOperation,
  type BucketOutcome,
} from './observe-bucket.js';
export { openBucket } from './open-bucket.js';
export { prefixBucket } from './prefix-bucket.js';
export { type S3BucketOptions } from './s3-bucket.js';
export { type S3Config } from './s3-config.js';
export { type S3Exchange } from './s3-transport.js';
