import fc from 'fast-check';
import { JsonNumber, JsonObject, JsonSyntaxError, parseJson, type Json } from './index.js';

/** What JSON.parse would give. */
function plain(value: Json): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (value instanceof JsonObject) return Object.fromEntries(value.fields.map(([name, field]) => [name, plain(field)]));
  return Array.isArray(value) ? (value as readonly Json[]).map(plain) : value;
}

test('numbers keep their text, objects their repeated fields', () => {
  expect(parseJson('[1.0, 9007199254740993]')).toEqual([new JsonNumber('1.0'), new JsonNumber('9007199254740993')]);
  expect(parseJson('{"a": 1, "a": null}')).toEqual(
    new JsonObject([
      ['a', new JsonNumber('1')],
      ['a', null],
    ]),
  );
});

test('half a surrogate pair reads as U+FFFD', () => {
  expect(parseJson('"a\\ud83db"')).toBe('a\ufffdb');
  expect(parseJson('"\\ud83d\\ude00"')).toBe('\u{1f600}');
});

test('it reads what JSON.parse reads', () => {
  fc.assert(fc.property(fc.json(), (text) => expect(plain(parseJson(text))).toEqual(JSON.parse(text))));
});

test('it refuses what JSON.parse refuses', () => {
  const text = fc.string({
    unit: fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '1',
      '0',
      '.',
      '-',
      'e',
      ' ',
      '\u00a0',
      'true',
      'null',
    ),
  });
  fc.assert(
    fc.property(text, (broken) => {
      const read = (parse: (text: string) => unknown): boolean => {
        try {
          parse(broken);
          return true;
        } catch (error) {
          expect(error).toBeInstanceOf(parse === parseJson ? JsonSyntaxError : SyntaxError);
          return false;
        }
      };
      expect(read(parseJson)).toBe(read(JSON.parse));
    }),
    { numRuns: 2000 },
  );
});

test.each(['[', '{"a":'])('nesting without end by %j is refused, not followed until the stack ends', (opening) => {
  expect(() => parseJson(opening.repeat(1_000_000))).toThrow(
    new JsonSyntaxError(opening.length * 201, 'nested too deeply'),
  );
});

test.each([
  ['of plain characters', 'a'],
  ['of escapes', '\\n\\ud83d\\ude00'],
  ['of both', 'ab\\"'],
])('a string of ten million characters, %s, is read, and refused without its end', (_, part) => {
  const text = `"${part.repeat(10_000_000 / part.length)}`;
  expect((parseJson(`${text}"`) as string).length).toBe((JSON.parse(`${text}"`) as string).length);
  // The place is that of the string's beginning.
  expect(() => parseJson(`[${text}`)).toThrow(new JsonSyntaxError(1, 'string expected'));
});

test('numbers and white space of ten million characters are read', () => {
  const digits = '9'.repeat(10_000_000);
  expect((parseJson(`${' '.repeat(10_000_000)}${digits}`) as JsonNumber).text).toBe(digits);
});
