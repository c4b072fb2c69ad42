import { findFreePorts, until } from './index.js';

test('until waits for what becomes true, and names what never does', async () => {
  let asked = 0;
  await until(async () => ++asked === 3);
  expect(asked).toBe(3);
  await expect(until(() => false, { timeoutMs: 5, what: 'the moon' })).rejects.toThrow(
    'Cannot wait longer than 5 ms for the moon',
  );
});

test('free ports are all different', async () => {
  expect(new Set(await findFreePorts(5)).size).toBe(5);
});
