import { md5 } from '@gauntlet/base';

/** The last 8 of the 16 bytes of an MD5 digest as one big-endian number: what `hashmod` takes the remainder of. */
export function md5Tail(bytes: Uint8Array): bigint {
  return new DataView(md5(bytes).buffer).getBigUint64(8, false);
}
