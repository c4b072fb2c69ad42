import { TranslationPlaces } from './otlp-places.js';

const there = new AbortController().signal;
const small = 1_048_576;
const large = small + 1;

/** Bodies that are translated until they are let go. */
function startAll(places: TranslationPlaces): {
  readonly running: readonly string[];
  start(name: string, bytes: number, signal?: AbortSignal): Promise<void>;
  end(name: string): Promise<void>;
} {
  const running: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    running,
    start: (name, bytes, signal = there) =>
      places.run(bytes, signal, () => {
        running.push(name);
        return new Promise((resolve) => ends.set(name, resolve));
      }),
    async end(name) {
      running.splice(running.indexOf(name), 1);
      ends.get(name)?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('two small bodies are translated at a time, and others in turn', async () => {
  const { running, start, end } = startAll(new TranslationPlaces());
  const all = ['a', 'b', 'c', 'd'].map((name) => start(name, small));
  expect(running).toEqual(['a', 'b']);
  await end('b');
  expect(running).toEqual(['a', 'c']);
  await end('a');
  expect(running).toEqual(['c', 'd']);
  await end('c');
  await end('d');
  await Promise.all(all);
});

test('a large body waits for another one, and small ones pass both', async () => {
  const { running, start, end } = startAll(new TranslationPlaces());
  const all = ['A', 'B', 'C'].map((name) => start(name, large));
  expect(running).toEqual(['A']);
  all.push(start('a', small), start('b', small));
  expect(running).toEqual(['A', 'a']);
  await end('a');
  expect(running).toEqual(['A', 'b']);
  await end('A');
  expect(running).toEqual(['b', 'B']);
  await end('B');
  expect(running).toEqual(['b', 'C']);
  await end('C');
  await end('b');
  await Promise.all(all);
});

test('who goes away leaves the queue, and the next one comes in', async () => {
  const { running, start, end } = startAll(new TranslationPlaces());
  const leaving = new AbortController();
  const first = start('A', large);
  const waiting = start('B', large, leaving.signal);
  const last = start('C', large);
  leaving.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  await expect(start('D', large, leaving.signal)).rejects.toThrow('gone');
  await end('A');
  expect(running).toEqual(['C']);
  await end('C');
  await Promise.all([first, last]);
});

test('a translation that fails gives its place back', async () => {
  const places = new TranslationPlaces();
  for (let round = 0; round < 5; round += 1) {
    await expect(places.run(large, there, () => Promise.reject(new Error('malformed')))).rejects.toThrow('malformed');
  }
  await expect(places.run(large, there, () => Promise.resolve(1))).resolves.toBe(1);
});
