import { type Bucket } from './bucket.js';

/**
 * Keeps all objects below a folder of another bucket (spec/objstore.md 1.1). A prefix of nothing but slashes and blanks is none.
 * The name stays that of the bucket, so that metrics of two prefixes carry one label, as dashboards expect.
 */
export function prefixBucket(bucket: Bucket, prefix: string): Bucket {
  const folder = prefix.trim().replace(/^\/+|\/+$/g, '');
  if (folder === '') return bucket;
  const inside = (name: string): string => (name === '' ? '' : `${folder}/${name}`);
  return {
    name: bucket.name,
    provider: bucket.provider,
    upload: (name, source, signal) => bucket.upload(inside(name), source, signal),
    get: (name, signal) => bucket.get(inside(name), signal),
    getRange: (name, offset, length, signal) => bucket.getRange(inside(name), offset, length, signal),
    exists: (name, signal) => bucket.exists(inside(name), signal),
    attributes: (name, signal) => bucket.attributes(inside(name), signal),
    async *list(dir, options, signal) {
      for await (const name of bucket.list(`${folder}/${dir}`, options, signal)) yield name.slice(folder.length + 1);
    },
    delete: (name, signal) => bucket.delete(inside(name), signal),
    close: () => bucket.close(),
  };
}
