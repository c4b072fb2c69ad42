import { type Bucket } from './bucket.js';
import { type BucketConfig } from './bucket-config.js';
import { FilesystemBucket } from './filesystem-bucket.js';
import { prefixBucket } from './prefix-bucket.js';
import { type S3BucketOptions } from './s3-bucket.js';

/** Makes the client; asks nothing of the store yet. Files the document names (certificates, keys) are read here. */
export async function openBucket(config: BucketConfig, options: S3BucketOptions = {}): Promise<Bucket> {
  switch (config.type) {
    case 'FILESYSTEM':
      return prefixBucket(new FilesystemBucket(config.directory), config.prefix);
    case 'S3': {
      // Loaded when it is needed: the S3 client costs 8 MB of memory.
      const { S3Bucket } = await import('./s3-bucket.js');
      return prefixBucket(new S3Bucket(config.s3, options), config.prefix);
    }
  }
}
