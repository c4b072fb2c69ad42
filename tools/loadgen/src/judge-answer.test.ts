import { judgeAnswer } from './judge-answer.js';

const written = (samples: string, histograms?: string, exemplars?: string): Record<string, string> => ({
  'x-prometheus-remote-write-samples-written': samples,
  ...(histograms === undefined ? {} : { 'x-prometheus-remote-write-histograms-written': histograms }),
  ...(exemplars === undefined ? {} : { 'x-prometheus-remote-write-exemplars-written': exemplars }),
});

test.each([
  ['1.0', 200, {}, '200'],
  ['1.0', 503, {}, '503'],
  ['2.0', 204, written('20', '0', '0'), '204'],
  // Headers of kinds that were not sent may be left out.
  ['2.0', 204, written('20'), '204'],
  // A receiver that knows 1.0 only finds no series in a body of 2.0, and is content.
  ['2.0', 200, {}, 'MISCOUNTED'],
  ['2.0', 204, written('19', '0', '0'), 'MISCOUNTED'],
  ['2.0', 204, written('20', '1', '0'), 'MISCOUNTED'],
  ['2.0', 204, written('20', '0', '3'), 'MISCOUNTED'],
  // A refusal is that, whatever was written of the request.
  ['2.0', 400, written('19', '0', '0'), '400'],
] as const)('20 samples of %s that are answered with %i and %j count as %s', (version, status, headers, code) => {
  expect(judgeAnswer({ version, samples: 20 }, { status, headers, text: '' }).code).toBe(code);
});

test('a wrong count is told beside the right one', () => {
  const { text } = judgeAnswer({ version: '2.0', samples: 20 }, { status: 204, headers: written('19'), text: '' });
  expect(text).toBe('204 tells of 19 samples, none histograms and none exemplars written; 20 samples were sent');
});
