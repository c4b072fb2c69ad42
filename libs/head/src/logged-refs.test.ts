import { LoggedRefs } from './logged-refs.js';
import { hasRef } from './ref-set.js';

const keptOf = (refs: LoggedRefs, minTime: bigint): number[] => {
  const kept = refs.keptFrom(minTime);
  return [1, 2, 3, 4].filter((ref) => hasRef(kept, ref));
};

test('the ref of a live series is kept, whatever the time', () => {
  const refs = new LoggedRefs();
  refs.add(1);
  expect(keptOf(refs, 1_000_000n)).toEqual([1]);
});

test('the ref of a removed series is kept while its truncation runs, and then until the log has no sample of it', () => {
  const refs = new LoggedRefs();
  for (const ref of [1, 2]) refs.add(ref);
  refs.remove(1);
  expect(keptOf(refs, 1_000_000n)).toEqual([1, 2]);
  refs.endRemovals(100n);
  expect(keptOf(refs, 100n)).toEqual([1, 2]);
  expect(keptOf(refs, 101n)).toEqual([2]);
});

test('a redirected ref is kept up to the newest time that was told of it, others beside it up to their own', () => {
  const refs = new LoggedRefs();
  refs.redirect(3, 100n);
  refs.redirect(3, 50n);
  refs.redirect(4, 60n);
  expect(keptOf(refs, 60n)).toEqual([3, 4]);
  expect(keptOf(refs, 100n)).toEqual([3]);
  expect(keptOf(refs, 101n)).toEqual([]);
});

test('refs that many series had in turn, each until another time, are told in a moment', () => {
  const refs = new LoggedRefs();
  for (let ref = 0; ref < 200_000; ref += 1) refs.redirect(ref, BigInt(ref));
  const kept = refs.keptFrom(199_999n);
  expect([hasRef(kept, 199_998), hasRef(kept, 199_999)]).toEqual([false, true]);
});
