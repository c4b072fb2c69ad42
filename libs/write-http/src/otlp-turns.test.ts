import { SharedTurns } from './otlp-turns.js';

const there = new AbortController().signal;

test('of several translations one has the turn, and each comes by turns', async () => {
  let turn = 0;
  let nowMs = 0;
  const nextTurn = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(() => {
        turn += 1;
        resolve();
      });
    });
  const turns = new SharedTurns({ monotonicMs: () => nowMs }, nextTurn);
  const slices: string[] = [];
  const translate = async (name: string): Promise<void> => {
    const pace = turns.pace(there);
    for (let slice = 0; slice < 3; slice += 1) {
      expect(pace.isDue).toBe(false);
      nowMs += 2;
      expect(pace.isDue).toBe(true);
      await pace.rest();
      slices.push(`${name} in turn ${turn}`);
    }
  };
  await Promise.all([translate('a'), translate('b')]);
  expect(slices).toEqual(['a in turn 1', 'b in turn 2', 'a in turn 3', 'b in turn 4', 'a in turn 5', 'b in turn 6']);
});

test('timers and sockets have their turn between slices', async () => {
  const turns = new SharedTurns();
  let others = 0;
  const timer = setInterval(() => (others += 1), 1);
  const pace = turns.pace(there);
  for (let slice = 0; others < 3; slice += 1) {
    expect(slice).toBeLessThan(100_000); // Without turns for others there would be no end.
    await pace.rest();
  }
  clearInterval(timer);
});

test('who is not wanted any more ends, before the turn or in it', async () => {
  const turns = new SharedTurns();
  const gone = new AbortController();
  const pace = turns.pace(gone.signal);
  const rest = pace.rest();
  gone.abort(new Error('gone'));
  await expect(rest).rejects.toThrow('gone');
  await expect(pace.rest()).rejects.toThrow('gone');
  await expect(turns.pace(there).rest()).resolves.toBeUndefined();
});
