import { forEachMutation, mutate, mutations } from './index.js';

const good = Buffer.from(Array.from({ length: 500 }, (_, at) => at * 7));

test('a seed always gives the same damage, and another seed another', () => {
  const all = [...mutations(good, 7, 300)];
  for (const { seed, what, bytes } of all) expect(mutate(good, seed)).toEqual({ seed, what, bytes });
  expect(new Set(all.map(({ bytes }) => bytes.toString('hex'))).size).toBeGreaterThan(280);
  expect(good).toEqual(Buffer.from(Array.from({ length: 500 }, (_, at) => at * 7)));
});

test('there are bit flips, cuts, longer files, and pieces in the wrong place', () => {
  const words = [...mutations(good, 1, 500)].map(({ what }) => what).join('\n');
  for (const kind of [
    /bit \d flipped/,
    /set to 4294967295/,
    /cut at/,
    /added at the end/,
    /taken out/,
    /copied over/,
    /put in at/,
  ])
    expect(words).toMatch(kind);
});

test('only the given range is touched, and the length is kept when asked for', () => {
  for (const { bytes } of mutations(good, 1, 500, { from: 100, to: 120, keepsLength: true })) {
    expect(bytes.length).toBe(500);
    expect(bytes.subarray(0, 100)).toEqual(good.subarray(0, 100));
    expect(bytes.subarray(120)).toEqual(good.subarray(120));
  }
});

test('files of no, one and few bytes can be damaged too', () => {
  for (const length of [0, 1, 3]) expect([...mutations(good.subarray(0, length), 1, 300)].length).toBe(300);
});

test('checksums are made right again behind the damage', () => {
  const repair = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from('sum')]);
  for (const { bytes } of mutations(good, 1, 50, { repair })) expect(bytes.subarray(-3).toString()).toBe('sum');
});

test('a failing check names its seed', async () => {
  const failing = forEachMutation(good, { seed: 40, count: 10 }, ({ seed }) => {
    if (seed === 44) throw new Error('the reader crashed');
  });
  await expect(failing).rejects.toThrow(/^With seed 44 \(.+\): the reader crashed$/);
});
