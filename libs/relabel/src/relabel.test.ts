import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { bytesOfEscaped, escapedText, isUtf8 } from './escaped-text.js';
import { type LabelBytes, parseRelabelConfig, relabel } from './index.js';
import { md5Tail } from './md5.js';

type Texts = Readonly<Record<string, string>>;

const bytesOf = (labels: Texts): LabelBytes[] =>
  Object.entries(labels).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]);
const textsOf = (labels: readonly LabelBytes[] | undefined): Texts | null =>
  labels === undefined ? null : Object.fromEntries(labels.map(([name, value]) => [String(name), String(value)]));
const run = (rules: string, labels: Texts): Texts | null =>
  textsOf(relabel(parseRelabelConfig(rules), bytesOf(labels)));

interface RecordedCase {
  readonly rules: string;
  readonly labels: Texts;
  readonly result: Texts | null;
}
const recorded = JSON.parse(
  readFileSync(join(__dirname, '../testdata/prometheus-cases.json'), 'utf8'),
) as RecordedCase[];

test('whatever Prometheus makes of labels, so do we', () => {
  expect(recorded.length).toBeGreaterThan(500);
  for (const { rules, labels, result } of recorded)
    expect({ rules, labels, result: run(rules, labels) }).toEqual({ rules, labels, result });
});

describe('one rule', () => {
  const cases: readonly [name: string, rule: string, labels: Texts, result: Texts | null][] = [
    ['replace copies a value', '{source_labels: [a], target_label: b}', { a: '1' }, { a: '1', b: '1' }],
    ['replace with nothing deletes', '{target_label: a, replacement: ""}', { a: '1', b: '2' }, { b: '2' }],
    ['a null replacement is an empty one', '{target_label: a, replacement: }', { a: '1', b: '2' }, { b: '2' }],
    ['a null regex matches only the empty text', '{source_labels: [a], regex: , action: drop}', { b: '1' }, null],
    ['no match, no replacement', '{source_labels: [a], regex: x, target_label: b}', { a: '1' }, { a: '1' }],
    [
      'an expression is anchored at both ends',
      '{source_labels: [a], regex: b, action: drop}',
      { a: 'abc' },
      { a: 'abc' },
    ],
    ['a dot matches a line end', '{source_labels: [a], regex: x.y, action: drop}', { a: 'x\ny' }, null],
    [
      'values are joined',
      '{source_labels: [a, b], separator: "-", target_label: c}',
      { a: '1', b: '2' },
      { a: '1', b: '2', c: '1-2' },
    ],
    ['a missing label is empty', '{source_labels: [a, x], target_label: c}', { a: '1' }, { a: '1', c: '1;' }],
    [
      'a target may be made of groups',
      '{source_labels: [a], regex: "(.)=(.)", target_label: "t_$1", replacement: $2}',
      { a: 'k=v' },
      { a: 'k=v', t_k: 'v' },
    ],
    [
      'a target that comes out empty is left alone',
      '{source_labels: [a], regex: "(x?)1", target_label: "$1"}',
      { a: '1' },
      { a: '1' },
    ],
    ['keep keeps what matches', '{source_labels: [a], regex: 1|2, action: keep}', { a: '2' }, { a: '2' }],
    ['keep drops the rest', '{source_labels: [a], regex: 1|2, action: keep}', { a: '3' }, null],
    [
      'keepequal compares with the target',
      '{source_labels: [a], target_label: b, action: keepequal}',
      { a: '1', b: '2' },
      null,
    ],
    ['two missing labels are equal', '{source_labels: [x], target_label: y, action: dropequal}', { a: '1' }, null],
    ['actions may be written in capitals', '{source_labels: [a], action: DROP}', { a: '1' }, null],
    ['labelmap copies', '{regex: "meta_(.+)", action: labelmap}', { meta_a: '1' }, { a: '1', meta_a: '1' }],
    ['labeldrop drops labels', '{regex: "a.*", action: labeldrop}', { a1: '1', b: '2' }, { b: '2' }],
    ['labelkeep keeps labels', '{regex: "a.*", action: labelkeep}', { a1: '1', b: '2' }, { a1: '1' }],
    ['all labels may go', '{regex: ".*", action: labeldrop}', { a: '1' }, {}],
    ['lowercase', '{source_labels: [a], target_label: b, action: lowercase}', { a: 'ÀΑΣİ' }, { a: 'ÀΑΣİ', b: 'àασi' }],
    // One character each, unlike JavaScript's own methods.
    ['uppercase', '{source_labels: [a], target_label: b, action: uppercase}', { a: 'ßǰᾳᾀ' }, { a: 'ßǰᾳᾀ', b: 'ßǰᾼᾈ' }],
    ['a label with an empty value is none', '{target_label: b, replacement: x}', { a: '' }, { b: 'x' }],
    ['a name that Object has means nothing', '{source_labels: [toString], target_label: b}', { a: '1' }, { a: '1' }],
  ];
  test.each(cases)('%s', (_, rule, labels, result) => {
    expect(run(`- ${rule}`, labels)).toEqual(result);
  });
});

test('no rules is a valid configuration, and gives the labels back', () => {
  for (const text of ['', '\n# nothing\n', '[]', 'null', '---\n']) {
    const rules = parseRelabelConfig(text);
    const labels = bytesOf({ b: '1', a: '' });
    expect(rules.count).toBe(0);
    expect(relabel(rules, labels)).toBe(labels);
  }
});

test('labels that no rule changes are the same array, and changed ones are sorted by bytes', () => {
  const rules = parseRelabelConfig(
    '- {source_labels: [zone], regex: "(.*)-(.*)", target_label: region, replacement: $1}',
  );
  const untouched = bytesOf({ z: '1', a: '2' });
  expect(relabel(rules, untouched)).toBe(untouched);
  const labels = relabel(rules, bytesOf({ zone: 'eu-west', '\u{10000}': 'x', '\uffff': 'y', __name__: 'up' }));
  expect(labels?.map(([name]) => String(name))).toEqual(['__name__', 'region', 'zone', '\uffff', '\u{10000}']);
});

test('a name that comes twice stays twice unless a rule writes it', () => {
  const labels: LabelBytes[] = [...bytesOf({ a: '1' }), ...bytesOf({ a: '2' })];
  expect(relabel(parseRelabelConfig('- {target_label: b, replacement: x}'), labels)?.length).toBe(3);
  const written = relabel(parseRelabelConfig('- {source_labels: [a], target_label: a, replacement: "${1}x"}'), labels);
  expect(textsOf(written)).toEqual({ a: '1x' });
  expect(written?.length).toBe(1);
});

describe('bytes that are not UTF-8', () => {
  const odd = Buffer.from('61ff62', 'hex');
  const labels: LabelBytes[] = [
    [Buffer.from('a'), odd],
    [Buffer.from('fe', 'hex'), Buffer.from('v')],
  ];

  test('pass through rules unharmed, one character each', () => {
    const rules = parseRelabelConfig('- {source_labels: [a], regex: "a(.)(b)", target_label: c, replacement: "$2$1"}');
    const result = relabel(rules, labels);
    expect(result?.map(([name, value]) => [name.toString('hex'), value.toString('hex')])).toEqual([
      ['61', '61ff62'],
      ['63', '62ff'],
      ['fe', '76'],
    ]);
    expect(result?.[0]?.[1]).toBe(odd);
  });

  test('are hashed as they are, become no label name, and are replaced where case changes, as in Go', () => {
    const hashed = relabel(
      parseRelabelConfig('- {source_labels: [a], target_label: c, action: hashmod, modulus: 18446744073709551615}'),
      labels,
    );
    const tail = createHash('md5').update(odd).digest().readBigUInt64BE(8);
    expect(String(hashed?.[1]?.[1])).toBe(String(tail % 18446744073709551615n));
    const named = parseRelabelConfig('- {source_labels: [a], target_label: "$1", replacement: x}');
    expect(relabel(named, labels)).toBe(labels);
    const upper = parseRelabelConfig('- {source_labels: [a], target_label: c, action: uppercase}');
    expect(String(relabel(upper, labels)?.[1]?.[1])).toBe('A\ufffdB');
  });

  test('any bytes survive as text', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      fc
        .array(fc.constantFrom(0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x98, 0x80, 0xe0, 0xbf, 0xef, 0xbd, 0xc3, 0x41), {
          maxLength: 12,
        })
        .map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(bytes, (array) => {
        const buffer = Buffer.from(array);
        const text = escapedText(buffer);
        expect(bytesOfEscaped(text).equals(buffer)).toBe(true);
        expect(isUtf8(text)).toBe(Buffer.from(buffer.toString('utf8')).equals(buffer));
      }),
      { numRuns: 500 },
    );
  });
});

test('md5 is that of the library', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(md5Tail(bytes)).toBe(createHash('md5').update(bytes).digest().readBigUInt64BE(8));
    }),
  );
});

const word = fc.constantFrom('', 'a', 'b', 'ab', 'eu-west', 'x\ny', 'é', '\u{1f600}');
const expressions = fc.constantFrom('a', 'a|b', '.*', '.+', '(a|ab)(b?)', 'eu-.*', '[^a]+', '(?i)AB', '', '.');

test('keep and drop are two halves, and so are labelkeep and labeldrop', () => {
  fc.assert(
    fc.property(expressions, word, word, (regex, a, b) => {
      const labels = { a, b, c: 'c' };
      const rule = (action: string, sources = ', source_labels: [a]'): string =>
        `- {regex: ${JSON.stringify(regex)}, action: ${action}${sources}}`;
      expect(run(rule('keep'), labels) === null).toBe(run(rule('drop'), labels) !== null);
      const kept = run(rule('labelkeep', ''), labels);
      const dropped = run(rule('labeldrop', ''), labels);
      const there = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
      expect({ ...clean(kept), ...clean(dropped) }).toEqual(there);
      expect(Object.keys(clean(kept)).filter((name) => name in clean(dropped))).toEqual([]);
    }),
  );
});

const clean = (labels: Texts | null): Texts =>
  Object.fromEntries(Object.entries(labels ?? {}).filter(([, value]) => value !== ''));

test('what a rule remembers is what it would find again', () => {
  const rule = '- {source_labels: [a], regex: "(.*)(.)", target_label: b, replacement: "$2$1"}';
  const rules = parseRelabelConfig(rule);
  for (let at = 0; at < 5000; at += 1) {
    const value = `value-${(at * 7919) % 3000}`;
    const result = textsOf(relabel(rules, bytesOf({ a: value })));
    expect(result).toEqual({ a: value, b: value.slice(-1) + value.slice(0, -1) });
  }
});
