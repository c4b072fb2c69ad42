/** The share of a block range over which tenants' cuts are spread. */
const spreadShare = 1 / 4;

/**
 * How much later than at the first moment a tenant is cut. After the first cut every head begins at a multiple of the block range, so that all tenants
 * would be due at once: each waits for a moment of its own, the same after every start (spec/receive.md F05).
 */
export function cutDelayMs(tenant: string, rangeMs: number): number {
  return Math.floor((hashOf(tenant) / 2 ** 32) * rangeMs * spreadShare);
}

/**
 * Whether a head is to be cut now: one and a half ranges after its oldest sample (spec/receive.md 7.4), and the tenant's own delay.
 *
 * Nothing before the end of a cut is taken any more. So a cut also waits until the newest sample is half a range behind its end, before which nothing is
 * taken anyway: a sender that catches up after hours loses nothing to it. A tenant that nobody writes to is cut when it is closed.
 */
export function isCutTime(
  {
    seriesCount,
    minTimeMs,
    maxTimeMs,
  }: { readonly seriesCount: number; readonly minTimeMs: number; readonly maxTimeMs: number },
  { nowMs, rangeMs, delayMs }: { nowMs: number; rangeMs: number; delayMs: number },
): boolean {
  const endMs = (Math.floor(minTimeMs / rangeMs) + 1) * rangeMs;
  return seriesCount > 0 && nowMs - minTimeMs > 1.5 * rangeMs + delayMs && maxTimeMs >= endMs + rangeMs / 2;
}

/** FNV-1a over UTF-16 units, and a mix of its bits: names that differ in their last digit only lie far apart. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
