import { joinReasons } from './join-reasons.js';

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'a'], 'a'],
  [['b', 'a', 'b'], '2 errors: a; b'],
  // By UTF-8 bytes; by UTF-16 units it would be the other way round.
  [['\u{1f680}', '\uff5e'], '2 errors: \uff5e; \u{1f680}'],
])('reasons %j are joined to %j', (reasons, text) => {
  expect(joinReasons(reasons)).toBe(text);
});
