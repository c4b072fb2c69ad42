/** The share of a block range over which tenants' cuts are spread. */
const spreadShare = 1 / 4;

/**
 * How much later than at the first moment a tenant is cut. After the first cut every head begins at a multiple of the block range, so that all tenants
 * would be due at once: each waits for a moment of its own, the same after every start (spec/receive.md F05).
 */
export function cutDelayMs(tenant: string, rangeMs: number): number {
  return Math.floor((hashOf(tenant) / 2 ** 32) * rangeMs * spreadShare);
}

/** Whether a head is to be cut now: one and a half ranges after its oldest sample (spec/receive.md 7.4), and the tenant's own delay. */
export function isCutTime(
  { seriesCount, minTimeMs }: { readonly seriesCount: number; readonly minTimeMs: number },
  { nowMs, rangeMs, delayMs }: { nowMs: number; rangeMs: number; delayMs: number },
): boolean {
  return seriesCount > 0 && nowMs - minTimeMs > 1.5 * rangeMs + delayMs;
}

/** FNV-1a over UTF-16 units, and a mix of its bits: names that differ in their last digit only lie far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
