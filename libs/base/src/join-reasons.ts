/** Distinct reasons in the order of their bytes: one as it is, several as `3 errors: a; b; c` (spec/receive.md 2.6). */
export function joinReasons(reasons: Iterable<string>): string {
  const distinct = [...new Set(reasons)].map((text) => Buffer.from(text)).sort((a, b) => Buffer.compare(a, b));
  const joined = distinct.map((bytes) => bytes.toString()).join('; ');
  return distinct.length > 1 ? `${distinct.length} errors: ${joined}` : joined;
}
