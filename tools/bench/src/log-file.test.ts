import { durationMsOf, findLogLines, parseLogLine } from './log-file.js';

test('lines of ours and of Thanos are read, with what is quoted in them', () => {
  expect(
    parseLogLine('ts=2026-11-21T12:00:00.500Z level=info block=01J seconds=1.25 empty= msg="block \\"a\\" is cut"'),
  ).toEqual({
    atMs: Date.UTC(2026, 10, 21, 12, 0, 0, 500),
    message: 'block "a" is cut',
    fields: {
      ts: '2026-11-21T12:00:00.500Z',
      level: 'info',
      block: '01J',
      seconds: '1.25',
      empty: '',
      msg: 'block "a" is cut',
    },
  });
  expect(
    parseLogLine(
      'ts=2026-11-21T12:00:00.123456789Z caller=compact.go:600 level=info component=receive msg="write block" duration=3.5s',
    ),
  ).toMatchObject({ message: 'write block', fields: { duration: '3.5s' } });
});

test.each(['', 'panic: no reason', 'ts=2026-11-21T12:0', 'ts=yesterday msg=x'])('%j is no line', (line) => {
  expect(parseLogLine(line)).toBeUndefined();
});

test('a log that is not there has no lines', () => {
  expect(findLogLines('/nowhere/at.log', 'listening')).toEqual([]);
});

test.each([
  ['1.25', 1250],
  ['345.6ms', 345.6],
  ['1m2.5s', 62_500],
  ['1h0m1s', 3_601_000],
  ['12µs', 0.012],
])('%s is a duration', (text, milliseconds) => {
  expect(durationMsOf(text)).toBeCloseTo(milliseconds, 6);
});
