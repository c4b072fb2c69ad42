import { BucketError } from './bucket-error.js';

/** S3's own bound for a key. */
export const objectNameBytesMax = 1024;

/** Refuses names that could leave the bucket or mean different objects to different providers. */
export function checkObjectName(name: string, verb: string): void {
  const fault = faultOf(name);
  if (fault !== undefined)
    throw new BucketError('OBJECT_NAME_INVALID', `Cannot ${verb} object ${JSON.stringify(name)}: ${fault}`);
}

/** The prefix that all names below a directory share: empty for the root, else with one slash at its end. */
export function dirPrefix(dir: string): string {
  const trimmed = dir.replace(/\/+$/, '');
  return trimmed === '' ? '' : `${trimmed}/`;
}

/** Orders names as S3 does: by their UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function faultOf(name: string): string | undefined {
  if (name === '') return 'name is empty';
  if (Buffer.byteLength(name) > objectNameBytesMax) return `name is longer than ${objectNameBytesMax} bytes`;
  if (name.includes('\0')) return 'name has a zero byte';
  for (const segment of name.split('/')) {
    if (segment === '') return 'name has an empty segment';
    if (segment === '.' || segment === '..') return `name has a segment "${segment}"`;
  }
  return undefined;
}
