import fc from 'fast-check';
import { judge, mergeVerdicts, quorumOf, type Verdict } from './quorum.js';

test('the quorum is the majority, and one of two', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map(quorumOf)).toEqual([1, 1, 2, 3, 3, 4, 4]);
});

/** S stored, C conflict, L limit, U any other failure; dots are replicas that have not answered. */
function verdictOf(answers: string): Verdict {
  const count = (letter: string): number => [...answers].filter((a) => a === letter).length;
  return judge({
    replicas: answers.length,
    quorum: quorumOf(answers.length),
    stored: count('S'),
    conflicts: count('C'),
    limits: count('L'),
    outages: count('U'),
  });
}

/** Every multiset of outcomes for replication factors 1 to 5. The comments say what Thanos answers where it differs. */
const truthTable: readonly (readonly [answers: string, verdict: Verdict])[] = [
  // Replication factor 1, quorum 1.
  ['S', 'stored'],
  ['C', 'conflict'],
  ['L', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['U', 'unavailable'],
  // Replication factor 2, quorum 1.
  ['SS', 'stored'],
  ['SC', 'stored'],
  ['SL', 'stored'],
  ['SU', 'stored'],
  ['CC', 'conflict'],
  ['CL', 'limited'], // Thanos: 409, though a retry may succeed.
  ['CU', 'unavailable'], // Thanos: 409, though a retry may succeed.
  ['LL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LU', 'unavailable'],
  ['UU', 'unavailable'],
  // Replication factor 3, quorum 2.
  ['SSS', 'stored'],
  ['SSC', 'stored'],
  ['SSL', 'stored'],
  ['SSU', 'stored'],
  ['SCC', 'conflict'],
  ['SCL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SCU', 'unavailable'],
  ['SLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SLU', 'unavailable'],
  ['SUU', 'unavailable'],
  ['CCC', 'conflict'],
  ['CCL', 'conflict'],
  ['CCU', 'conflict'],
  ['CLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CUU', 'unavailable'],
  ['LLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LUU', 'unavailable'],
  ['UUU', 'unavailable'],
  // Replication factor 4, quorum 3.
  ['SSSS', 'stored'],
  ['SSSC', 'stored'],
  ['SSSL', 'stored'],
  ['SSSU', 'stored'],
  ['SSCC', 'conflict'], // Thanos: 500, and OK over gRPC, when exactly half fails.
  ['SSCL', 'limited'], // Thanos: 500, and OK over gRPC, when exactly half fails.
  ['SSCU', 'unavailable'], // Thanos: 500, and OK over gRPC, when exactly half fails.
  ['SSLL', 'limited'], // Thanos: 500, and OK over gRPC, when exactly half fails.
  ['SSLU', 'unavailable'], // Thanos: 500, and OK over gRPC, when exactly half fails.
  ['SSUU', 'unavailable'], // Thanos: 500, and OK over gRPC, when exactly half fails.
  ['SCCC', 'conflict'],
  ['SCCL', 'conflict'], // Thanos: 503, though conflicts alone rule the quorum out.
  ['SCCU', 'conflict'], // Thanos: 503, though conflicts alone rule the quorum out.
  ['SCLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SCLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SCUU', 'unavailable'],
  ['SLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SLLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SLUU', 'unavailable'],
  ['SUUU', 'unavailable'],
  ['CCCC', 'conflict'],
  ['CCCL', 'conflict'],
  ['CCCU', 'conflict'],
  ['CCLL', 'conflict'], // Thanos: 503, though conflicts alone rule the quorum out.
  ['CCLU', 'conflict'], // Thanos: 503, though conflicts alone rule the quorum out.
  ['CCUU', 'conflict'], // Thanos: 503, though conflicts alone rule the quorum out.
  ['CLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CLLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CLUU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CUUU', 'unavailable'],
  ['LLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LLLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LLUU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LUUU', 'unavailable'],
  ['UUUU', 'unavailable'],
  // Replication factor 5, quorum 3.
  ['SSSSS', 'stored'],
  ['SSSSC', 'stored'],
  ['SSSSL', 'stored'],
  ['SSSSU', 'stored'],
  ['SSSCC', 'stored'],
  ['SSSCL', 'stored'],
  ['SSSCU', 'stored'],
  ['SSSLL', 'stored'],
  ['SSSLU', 'stored'],
  ['SSSUU', 'stored'],
  ['SSCCC', 'conflict'],
  ['SSCCL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SSCCU', 'unavailable'],
  ['SSCLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SSCLU', 'unavailable'],
  ['SSCUU', 'unavailable'],
  ['SSLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SSLLU', 'unavailable'],
  ['SSLUU', 'unavailable'],
  ['SSUUU', 'unavailable'],
  ['SCCCC', 'conflict'],
  ['SCCCL', 'conflict'],
  ['SCCCU', 'conflict'],
  ['SCCLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SCCLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SCCUU', 'unavailable'],
  ['SCLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SCLLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SCLUU', 'unavailable'],
  ['SCUUU', 'unavailable'],
  ['SLLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SLLLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['SLLUU', 'unavailable'],
  ['SLUUU', 'unavailable'],
  ['SUUUU', 'unavailable'],
  ['CCCCC', 'conflict'],
  ['CCCCL', 'conflict'],
  ['CCCCU', 'conflict'],
  ['CCCLL', 'conflict'],
  ['CCCLU', 'conflict'],
  ['CCCUU', 'conflict'],
  ['CCLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CCLLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CCLUU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CCUUU', 'unavailable'],
  ['CLLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CLLLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CLLUU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['CLUUU', 'unavailable'],
  ['CUUUU', 'unavailable'],
  ['LLLLL', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LLLLU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LLLUU', 'limited'], // Thanos: 503, it knows no limit of an ingester.
  ['LLUUU', 'unavailable'],
  ['LUUUU', 'unavailable'],
  ['UUUUU', 'unavailable'],
];

test('the truth table has every multiset of outcomes, once', () => {
  const multisets = (size: number, letters: string): string[] =>
    size === 0
      ? ['']
      : [...letters].flatMap((letter, i) => multisets(size - 1, letters.slice(i)).map((rest) => letter + rest));
  expect(truthTable.map(([answers]) => answers)).toEqual([1, 2, 3, 4, 5].flatMap((size) => multisets(size, 'SCLU')));
});

test.each(truthTable)('%s is %s, in whatever order the answers come', (answers, verdict) => {
  expect(verdictOf(answers)).toBe(verdict);
  expect(verdictOf([...answers].reverse().join(''))).toBe(verdict);
});

test.each<[answers: string, verdict: Verdict]>([
  ['...', 'pending'],
  ['S..', 'pending'],
  ['SS.', 'stored'],
  ['SC.', 'pending'],
  ['CC.', 'conflict'],
  ['UU.', 'pending'], // It cannot be stored any more, but the last answer could be waited for.
  ['L..', 'pending'],
  ['LL.', 'pending'],
  ['CL.', 'pending'],
  ['CU.', 'pending'], // One more conflict would spare the client an endless retry.
])('%s is %s', (answers, verdict) => {
  expect(verdictOf(answers)).toBe(verdict);
});

test('a verdict, once pronounced, is not changed by later answers', () => {
  const answer = fc.constantFrom('S', 'C', 'L', 'U');
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 7 }), fc.nat(7), (answers, known) => {
      const early = verdictOf(answers.map((a, i) => (i < known ? a : '.')).join(''));
      return early === 'pending' || early === verdictOf(answers.join(''));
    }),
  );
});

test('a replica that answers twice is a bug of ours', () => {
  expect(() => judge({ replicas: 1, quorum: 1, stored: 1, conflicts: 1, limits: 0, outages: 0 })).toThrow(
    'a replica answers at most once',
  );
});

test.each<[Verdict[], Verdict]>([
  [[], 'stored'],
  [['stored', 'stored'], 'stored'],
  [['stored', 'conflict'], 'conflict'],
  [['conflict', 'limited'], 'limited'],
  [['limited', 'unavailable'], 'unavailable'],
  [['conflict', 'unavailable', 'stored'], 'unavailable'],
  [['unavailable', 'pending'], 'pending'],
])('%j together are %s', (verdicts, merged) => {
  expect(mergeVerdicts(verdicts)).toBe(merged);
});
