import fc from 'fast-check';
import {
  areLabelsValid,
  compareLabels,
  compareUtf8,
  createUlid,
  isTenantValid,
  isUlid,
  labelsOf,
  parseUlid,
  ulidTimeMs,
  validateTenant,
} from './index.js';

describe('labels', () => {
  test('strings order as their UTF-8 bytes do', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 6 });
    fc.assert(
      fc.property(text, text, (a, b) =>
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))),
      ),
    );
  });

  test.each([
    // UTF-16 would put the astral character first.
    ['\uffff', '\u{1f600}', -1],
    ['\u{1f600}', '\u{1f601}', -1],
    ['a', 'a\0', -1],
    ['a', 'a', 0],
    ['é', 'z', 1],
  ])('%j against %j', (a, b, order) => {
    expect(Math.sign(compareUtf8(a, b))).toBe(order);
    expect(Math.sign(compareUtf8(b, a))).toBe(0 - order);
  });

  test.each([
    ['a prefix comes first', { a: '1' }, { a: '1', b: '1' }, -1],
    ['values decide before later names', { a: '1', c: '1' }, { a: '2', b: '1' }, -1],
    ['names decide before their values', { a: '2' }, { b: '1' }, -1],
    ['equal sets', { b: '1', a: '2' }, { a: '2', b: '1' }, 0],
  ])('%s', (_, a, b, order) => {
    expect(Math.sign(compareLabels(labelsOf(a as Record<string, string>), labelsOf(b as Record<string, string>)))).toBe(
      order,
    );
  });

  test('made of a record, they are sorted and without empty values', () => {
    expect(labelsOf({ b: '2', '\u{1f600}': 'x', '\uffff': 'y', a: '1', gone: '' })).toEqual([
      { name: 'a', value: '1' },
      { name: 'b', value: '2' },
      { name: '\uffff', value: 'y' },
      { name: '\u{1f600}', value: 'x' },
    ]);
  });

  test.each([
    [[], true],
    [
      [
        ['a', '1'],
        ['b', '1'],
      ],
      true,
    ],
    [
      [
        ['b', '1'],
        ['a', '1'],
      ],
      false,
    ],
    [
      [
        ['a', '1'],
        ['a', '2'],
      ],
      false,
    ],
    [[['', '1']], false],
    [[['a', '']], false],
  ])('%j valid: %s', (pairs, valid) => {
    expect(areLabelsValid(pairs.map(([name = '', value = '']) => ({ name, value })))).toBe(valid);
  });
});

describe('tenant names', () => {
  test.each(['team-1', 'a', '..a', 'é', 'with space', 'lost+found2', 'x'.repeat(255)])(
    '%j may be a directory',
    (name) => {
      expect(isTenantValid(name)).toBe(true);
      expect(validateTenant(name)).toBe(name);
    },
  );

  // The limit counts bytes: 128 characters of two.
  test.each(['', '.', '..', '/', 'a/b', 'a/', '\\', 'a\\b', 'a\0', 'lost+found', 'x'.repeat(256), 'é'.repeat(128)])(
    '%j is refused',
    (name) => {
      expect(() => validateTenant(name)).toThrow(
        expect.objectContaining({
          kind: 'rejected',
          code: 'TENANT_NAME_INVALID',
          message: 'tenant name not valid',
          tenant: name,
        }),
      );
    },
  );
});

describe('block ids', () => {
  test('the id of a recorded block', () => {
    const random = Uint8Array.from({ length: 10 }, (_, index) => index);
    expect(createUlid(1_700_007_300_000, random)).toBe('01HF859JX0000G40R40M30E209');
    expect(ulidTimeMs('01HF859JX0000G40R40M30E209')).toBe(1_700_007_300_000);
  });

  test('time comes back, and ids sort by it', () => {
    const made = fc.tuple(fc.nat({ max: 2 ** 48 - 1 }), fc.uint8Array({ minLength: 10, maxLength: 10 }));
    fc.assert(
      fc.property(made, made, ([timeA, randomA], [timeB, randomB]) => {
        const [a, b] = [createUlid(timeA, randomA), createUlid(timeB, randomB)];
        expect(isUlid(a)).toBe(true);
        expect(ulidTimeMs(a)).toBe(timeA);
        if (timeA !== timeB) expect(a < b).toBe(timeA < timeB);
        expect(ulidTimeMs(a.toLowerCase())).toBe(timeA);
      }),
    );
  });

  test.each([
    ['01m7yk4dq5w4f56qtnkvb5jt5m', '01M7YK4DQ5W4F56QTNKVB5JT5M'],
    ['00000000000000000000000000', '00000000000000000000000000'],
    ['7ZZZZZZZZZZZZZZZZZZZZZZZZZ', '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'],
    // More than 128 bits.
    ['80000000000000000000000000', undefined],
    ['UUUUUUUUUUUUUUUUUUUUUUUUUU', undefined],
    ['01M7YK4DQ5W4F56QTNKVB5JT5', undefined],
    ['01M7YK4DQ5W4F56QTNKVB5JT5MM', undefined],
    ['01M7YK4DQ5W4F56QTNKVB5JT5M\n', undefined],
    ['01M7YK4DQ5W4F56QTNKVB5JT5I', undefined],
    ['wal', undefined],
  ])('%j is read as %j', (text, id) => {
    expect(parseUlid(text)).toBe(id);
  });
});
