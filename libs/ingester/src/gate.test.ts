import { createGate } from './gate.js';

test('as many run as the gate lets through, the others in their order, whatever fails', async () => {
  const gate = createGate(2);
  const order: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string, fails = false) =>
    gate
      .run(async () => {
        order.push(name);
        await new Promise<void>((resolve) => ends.set(name, resolve));
        if (fails) throw new Error(name);
      })
      .catch(() => {});
  const all = [work('a', true), work('b'), work('c'), work('d')];
  await new Promise(setImmediate);
  expect(order).toEqual(['a', 'b']);
  ends.get('a')!();
  await new Promise(setImmediate);
  expect(order).toEqual(['a', 'b', 'c']);
  ends.get('b')!();
  ends.get('c')!();
  await new Promise(setImmediate);
  ends.get('d')!();
  await Promise.all(all);
  expect(order).toEqual(['a', 'b', 'c', 'd']);
});
