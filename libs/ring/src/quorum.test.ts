import fc from 'fast-check';
import { judge, mergeVerdicts, quorumOf, type Verdict } from './quorum.js';

test('the quorum is the majority, and one of two', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map(quorumOf)).toEqual([1, 1, 2, 3, 3, 4, 4]);
});

/** S stored, C conflict, U any other failure; dots are replicas that have not answered. */
function verdictOf(answers: string): Verdict {
  const count = (letter: string): number => [...answers].filter((a) => a === letter).length;
  return judge({
    replicas: answers.length,
    quorum: quorumOf(answers.length),
    stored: count('S'),
    conflicts: count('C'),
    outages: count('U'),
  });
}

test.each<[answers: string, verdict: Verdict]>([
  ['S', 'stored'],
  ['C', 'conflict'],
  ['U', 'unavailable'],

  ['SS', 'stored'],
  ['SC', 'stored'],
  ['SU', 'stored'],
  ['CC', 'conflict'],
  ['CU', 'unavailable'], // Thanos says conflict; a retry may well succeed.
  ['UU', 'unavailable'],

  ['SSS', 'stored'],
  ['SSC', 'stored'],
  ['SSU', 'stored'],
  ['SCC', 'conflict'],
  ['SCU', 'unavailable'],
  ['SUU', 'unavailable'],
  ['CCC', 'conflict'],
  ['CCU', 'conflict'],
  ['CUU', 'unavailable'],
  ['UUU', 'unavailable'],

  ['SSSS', 'stored'],
  ['SSSC', 'stored'],
  ['SSSU', 'stored'],
  ['SSCC', 'conflict'], // Exactly half fails: Thanos answers 500, or OK over gRPC.
  ['SSCU', 'unavailable'],
  ['SSUU', 'unavailable'],
  ['SCCC', 'conflict'],
  ['SCCU', 'conflict'],
  ['SCUU', 'unavailable'],
  ['SUUU', 'unavailable'],
  ['CCCC', 'conflict'],
  ['CCCU', 'conflict'],
  ['CCUU', 'conflict'],
  ['CUUU', 'unavailable'],
  ['UUUU', 'unavailable'],

  ['SSSSS', 'stored'],
  ['SSSSC', 'stored'],
  ['SSSSU', 'stored'],
  ['SSSCC', 'stored'],
  ['SSSCU', 'stored'],
  ['SSSUU', 'stored'],
  ['SSCCC', 'conflict'],
  ['SSCCU', 'unavailable'],
  ['SSCUU', 'unavailable'],
  ['SSUUU', 'unavailable'],
  ['SCCCC', 'conflict'],
  ['SCCCU', 'conflict'],
  ['SCCUU', 'unavailable'],
  ['SCUUU', 'unavailable'],
  ['SUUUU', 'unavailable'],
  ['CCCCC', 'conflict'],
  ['CCCCU', 'conflict'],
  ['CCCUU', 'conflict'],
  ['CCUUU', 'unavailable'],
  ['CUUUU', 'unavailable'],
  ['UUUUU', 'unavailable'],

  ['...', 'pending'],
  ['S..', 'pending'],
  ['SS.', 'stored'],
  ['SC.', 'pending'],
  ['CC.', 'conflict'],
  ['UU.', 'pending'], // It cannot be stored any more, but the last answer could be waited for.
  ['CU.', 'pending'], // One more conflict would spare the client an endless retry.
])('%s is %s', (answers, verdict) => {
  expect(verdictOf(answers)).toBe(verdict);
});

test('a verdict, once pronounced, is not changed by later answers', () => {
  const answer = fc.constantFrom('S', 'C', 'U');
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 7 }), fc.nat(7), (answers, known) => {
      const early = verdictOf(answers.map((a, i) => (i < known ? a : '.')).join(''));
      return early === 'pending' || early === verdictOf(answers.join(''));
    }),
  );
});

test('a replica that answers twice is a bug of ours', () => {
  expect(() => judge({ replicas: 1, quorum: 1, stored: 1, conflicts: 1, outages: 0 })).toThrow(
    'a replica answers at most once',
  );
});

test.each<[Verdict[], Verdict]>([
  [[], 'stored'],
  [['stored', 'stored'], 'stored'],
  [['stored', 'conflict'], 'conflict'],
  [['conflict', 'unavailable', 'stored'], 'unavailable'],
  [['unavailable', 'pending'], 'pending'],
])('%j together are %s', (verdicts, merged) => {
  expect(mergeVerdicts(verdicts)).toBe(merged);
});
