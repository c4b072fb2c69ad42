import { endToEnd } from '../lab.js';
import { startIngester, startPrometheus, startRouter } from '../servers.js';
import { flawsOf, type Expectation } from './compliance-case.js';
import { receiverCases } from './receiver-cases.js';
import { failuresOf, refusalsOf, runCompliance } from './run-compliance.js';

const cases = receiverCases();

/** What may be refused although it says nothing wrong: no sample to store, or one that the case before has overtaken. */
const refusedAnyway = [
  'TestExemplarTimestamps/#00',
  'TestEdgeCaseCombinations/metadata_without_data',
  'TestEdgeCaseCombinations/exemplars_without_data',
];

test('there are 205 cases, each under a name of its own', () => {
  expect(new Set(cases.map(({ name }) => name)).size).toBe(205);
  expect(cases).toHaveLength(205);
});

test('an answer is judged as the receiver tests judge it', () => {
  const expected: Expectation = { samples: 2, histograms: 0, exemplars: 1, success: true, strict: false };
  const none = { samples: 0, histograms: 0, exemplars: 0 };
  const all = { samples: 2, histograms: 0, exemplars: 1 };
  const judge = (status: number, written = none, more: Partial<Expectation> = {}): string[] =>
    flawsOf({ ...expected, ...more }, { status, text: '', written });
  expect(judge(200, all)).toEqual([]);
  expect(judge(200, all, { strict: true })).toEqual(['status 200 instead of 204']);
  expect(judge(204)).toEqual(['0 samples written instead of 2', '0 exemplars written instead of 1']);
  expect(judge(204, all, { success: false })).toEqual(['status 204 for a request that has to be refused']);
  expect(judge(400, all)).toEqual([]);
  expect(judge(400, { ...all, samples: 3 })).toEqual(['3 samples written, at most 2 can be']);
  expect(judge(409)).toEqual(['status 409 instead of 400']);
  expect(judge(415, none, { status: 415 })).toEqual([]);
  expect(judge(400, none, { status: 415 })).toEqual(['status 400 instead of 415']);
  expect(judge(503)).toEqual(['status 503']);
  expect(judge(204, { ...all, samples: NaN })).toContain('the number of samples written is no number');
});

endToEnd(
  'a Prometheus passes 203 of the 205 cases: the measure is right',
  { needs: ['prometheus'], timeoutMs: 60_000 },
  async (lab) => {
    const { http } = await startPrometheus(lab, {
      dataDir: lab.folder('prometheus-data'),
      config: {},
      flags: ['--web.enable-remote-write-receiver', '--enable-feature=exemplar-storage'],
    });
    const results = await runCompliance(`http://${http}/api/v1/write`, cases);
    // It reads the body before it looks at the type of the content.
    expect(failuresOf(results)).toEqual([
      'TestBadContentTypes/application_json: status 400 instead of 415 (s2: corrupt input)',
      'TestBadContentTypes/image_png: status 400 instead of 415 (s2: corrupt input)',
    ]);
    expect(refusalsOf(results)).toEqual(refusedAnyway);
  },
);

const external = process.env['GAUNTLET_COMPLIANCE_URL'];
if (external !== undefined)
  test(`the receiver at ${external} passes all cases`, async () => {
    expect(failuresOf(await runCompliance(external, cases))).toEqual([]);
  });

/** Labels out of order, which 1.0 does not allow. */
const refusedByOurs = [...refusedAnyway, 'TestRW1BasicCompatibility'];
const storesExemplars = ['--tsdb.max-exemplars=10000'];

endToEnd('a router before three ingesters passes all 205 cases', { needs: [], timeoutMs: 60_000 }, async (lab) => {
  const ingesters = await Promise.all(
    ['one', 'two', 'three'].map((name) => startIngester(lab, { name, flags: storesExemplars })),
  );
  const router = await startRouter(lab, { ingesters: ingesters.map(({ grpc }) => grpc), replicationFactor: 3 });
  const results = await runCompliance(router.remoteWriteUrl, cases);
  expect(failuresOf(results)).toEqual([]);
  expect(refusedByOurs).toEqual(expect.arrayContaining(refusalsOf(results)));
});

endToEnd('an ingester passes all 205 cases on its own listener', { needs: [], timeoutMs: 60_000 }, async (lab) => {
  const { remoteWriteUrl } = await startIngester(lab, { name: 'alone', flags: storesExemplars });
  const results = await runCompliance(remoteWriteUrl, cases);
  expect(failuresOf(results)).toEqual([]);
  expect(refusedByOurs).toEqual(expect.arrayContaining(refusalsOf(results)));
});
