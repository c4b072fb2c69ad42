import fc from 'fast-check';
import { Gate } from './gate.js';

const never = new AbortController().signal;
const silent = { gateEntered: () => {}, gateLeft: () => {} };
const turn = (): Promise<void> => new Promise(setImmediate);

test('so many are inside, the others wait in their order', async () => {
  const gate = new Gate(silent, () => 0);
  gate.setMax(2);
  const inside: string[] = [];
  const enter = (name: string): Promise<() => void> =>
    gate.enter(never).then((leave) => {
      inside.push(name);
      return leave;
    });
  const [a] = await Promise.all([enter('a'), enter('b')]);
  const c = enter('c');
  const d = enter('d');
  await turn();
  expect(inside).toEqual(['a', 'b']);
  a();
  a(); // Counts once.
  (await c)();
  await d;
  expect(inside).toEqual(['a', 'b', 'c', 'd']);
});

test("a waiter that gives up frees nobody else's slot", async () => {
  const gate = new Gate(silent, () => 0);
  gate.setMax(1);
  const leave = await gate.enter(never);
  const impatient = new AbortController();
  const gaveUp = gate.enter(impatient.signal);
  const entered: string[] = [];
  const patient = gate.enter(never).then((release) => {
    entered.push('patient');
    return release;
  });
  impatient.abort(new Error('client gone'));
  await expect(gaveUp).rejects.toThrow('client gone');
  await expect(gate.enter(AbortSignal.abort(new Error('gone before')))).rejects.toThrow('gone before');
  await turn();
  expect(entered).toEqual([]);
  leave();
  (await patient)();
  // All is free again.
  (await gate.enter(never))();
});

test('another bound holds at once for those who wait, and as they leave for those inside', async () => {
  const gate = new Gate(silent, () => 0);
  const leaves = await Promise.all([1, 2, 3].map(() => gate.enter(never))); // No bound yet.
  gate.setMax(2);
  let passed = 0;
  const waiters = [1, 2, 3].map(() => gate.enter(never).then(() => (passed += 1)));
  leaves[0]!();
  await turn();
  expect(passed).toBe(0);
  leaves[1]!();
  await turn();
  expect(passed).toBe(1);
  gate.setMax(0);
  await Promise.all(waiters);
});

test('however requests come, go and give up, the gate holds its bound and forgets nobody', async () => {
  const step = fc.constantFrom('enter', 'leave', 'abort', 'raise', 'lower');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      let [inside, most, max] = [0, 0, 2];
      const gate = new Gate(
        { gateEntered: () => (most = Math.max(most, (inside += 1))), gateLeft: () => (inside -= 1) },
        () => 0,
      );
      gate.setMax(max);
      const leaves: (() => void)[] = [];
      const waiting = new Set<AbortController>();
      for (const what of steps) {
        const before = (most = inside);
        if (what === 'enter') {
          const giveUp = new AbortController();
          waiting.add(giveUp);
          gate.enter(giveUp.signal).then(
            (leave) => {
              waiting.delete(giveUp);
              leaves.push(leave);
            },
            () => waiting.delete(giveUp),
          );
        } else if (what === 'leave') leaves.shift()?.();
        else if (what === 'abort') for (const one of [...waiting].slice(-1)) one.abort();
        else gate.setMax((max = what === 'raise' ? max + 1 : Math.max(1, max - 1)));
        await Promise.resolve().then(() => {});
        expect(most).toBeLessThanOrEqual(Math.max(max, before));
        await turn();
        if (waiting.size > 0) expect(inside).toBeGreaterThanOrEqual(max);
      }
      while (leaves.length > 0) {
        leaves.shift()!();
        await turn();
      }
      expect([inside, waiting.size]).toEqual([0, 0]);
    }),
    { numRuns: 100 },
  );
});

test('whoever does not wait enters at once, but not past those who do', async () => {
  const gate = new Gate(silent, () => 0);
  gate.setMax(1);
  const leave = gate.tryEnter();
  expect(leave).toBeDefined();
  expect(gate.tryEnter()).toBeUndefined();
  const waiter = gate.enter(never);
  gate.setMax(1);
  leave!();
  expect(gate.tryEnter()).toBeUndefined();
  (await waiter)();
  gate.tryEnter()!();
});
