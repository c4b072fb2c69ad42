import { randomOf } from '../crash/random.js';
import { faultSchedule } from './fault-schedule.js';

test('the same seed gives the same schedule, as long as asked for, with every kind of fault in it', () => {
  const plan = { totalMs: 60_000, spellMsMax: 2000 };
  const schedule = faultSchedule(randomOf(5), plan);
  expect(faultSchedule(randomOf(5), plan)).toEqual(schedule);
  expect(faultSchedule(randomOf(6), plan)).not.toEqual(schedule);
  expect(schedule.reduce((sum, { lastsMs }) => sum + lastsMs, 0)).toBe(60_000);
  const kinds = schedule.map(
    ({ fault }) => fault && `${fault.kind}${fault.kind === 'silence' ? ` of ${fault.of}` : ''}`,
  );
  const expected = ['delay', 'loss', 'narrow', 'refuse', 'reset', 'silence of all', 'silence of answers', 'slow-reads'];
  expect([...new Set(kinds)].filter((kind) => kind !== undefined).sort()).toEqual(expected);
});
