/** Unix nanoseconds in 64 bits, which Prometheus reads as a signed number, in milliseconds towards zero. */
export function timestampMsOf(nanoseconds: bigint): number {
  return Number(BigInt.asIntN(64, nanoseconds) / 1_000_000n);
}
