import { forEachMutation } from '@gauntlet/base/testing';
import { parseRelabelConfig, RelabelConfigError } from './index.js';

function messageOf(text: string): string {
  try {
    parseRelabelConfig(text);
  } catch (error) {
    expect(error).toBeInstanceOf(RelabelConfigError);
    expect(error).toMatchObject({ kind: 'rejected', code: 'RELABEL_CONFIG_INVALID' });
    return (error as Error).message.replace(/^Cannot parse relabel configuration: /, '');
  }
  return 'valid';
}

// The words were recorded from Thanos and Prometheus.
const rules: readonly [rule: string, outcome: string][] = [
  ['{action: foo}', 'unknown relabel action "foo"'],
  ['{action: ""}', 'unknown relabel action ""'],
  ['{action: , target_label: x}', 'relabel action cannot be empty'],
  ['{regex: "(", target_label: x}', 'error parsing regexp: missing closing ): `^(?s:()$`'],
  ['{regex: "(?P<n>", target_label: x}', 'error parsing regexp: missing closing ): `^(?s:(?P<n>)$`'],
  ['{regex: "a{1001}", target_label: x}', 'error parsing regexp: invalid repeat count: `{1001}`'],
  ['{regex: "\\\\Qa", target_label: x}', 'error parsing regexp: missing closing ): `^(?s:\\Qa)$`'],
  ['{target_label: ""}', "relabel configuration for replace action requires 'target_label' value"],
  ['{target_label: ~}', "relabel configuration for replace action requires 'target_label' value"],
  ['{action: hashmod, modulus: 8}', "relabel configuration for hashmod action requires 'target_label' value"],
  ['{action: hashmod, target_label: x}', 'relabel configuration for hashmod requires non-zero modulus'],
  ['{action: labelmap, replacement: ""}', '"" is invalid \'replacement\' for labelmap action'],
  ['{action: lowercase, target_label: x, replacement: a}', "'replacement' can not be set for lowercase action"],
  // The default itself, written, is refused too; a default separator is not.
  [
    '{action: keepequal, target_label: x, regex: "(.*)"}',
    "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
  ],
  ['{action: keepequal, target_label: x, separator: ";"}', 'valid'],
  ['{action: labeldrop, source_labels: []}', "labeldrop action requires only 'regex', and no other fields"],
  ['{action: labeldrop, source_labels: }', 'valid'],
  ['{action: labelkeep, target_label: x}', "labelkeep action requires only 'regex', and no other fields"],
  ['{source_labels: [""], target_label: x}', '"" is not a valid label name'],
  ['{target_label: "a b"}', 'valid'],
  ['{target_label: "${"}', 'valid'],
  ['{target_label: x, regex: yes, separator: 1.0, replacement: 2020-01-01}', 'valid'],
  ['{regex: "a)(b", target_label: x}', 'valid'],
  ['{action: hashmod, target_label: x, modulus: 18446744073709551615}', 'valid'],
  // Ours: Thanos takes these for something else than they say.
  ['{nope: 1, target_label: x}', 'field nope not found'],
  ['{__proto__: 1, target_label: x}', 'field __proto__ not found'],
  [
    '{action: hashmod, target_label: x, modulus: 18446744073709551616}',
    'field modulus must be a whole number from 0 to 18446744073709551615',
  ],
  ['{modulus: -1, target_label: x}', 'field modulus must be a whole number from 0 to 18446744073709551615'],
  ['{modulus: 1.5, target_label: x}', 'field modulus must be a whole number from 0 to 18446744073709551615'],
  ['{source_labels: a, target_label: x}', 'field source_labels must be a list of label names'],
  ['{source_labels: [[a]], target_label: x}', 'field source_labels must be text'],
  ['{regex: [a], target_label: x}', 'field regex must be text'],
  ['x', 'it must be a mapping of keys to values'],
  ['', 'it must be a mapping of keys to values'],
];

test.each(rules)('- %s: %s', (rule, outcome) => {
  const message = messageOf(`- {target_label: fine}\n- ${rule}`);
  expect(message).toBe(outcome === 'valid' ? 'valid' : `rule 2: ${outcome}`);
});

test('what is no list of rules is refused', () => {
  expect(messageOf('{')).toBe('yaml: line 1: did not find expected node content');
  expect(messageOf('a: b')).toBe('it must be a list of rules');
  expect(messageOf('text')).toBe('it must be a list of rules');
  expect(messageOf('- {action: drop, action: keep}')).toBe('yaml: line 1: duplicate key');
  expect(messageOf('[*nobody]')).toMatch(/^yaml: /);
});

test('anchors and merged keys work', () => {
  expect(messageOf('- &a {source_labels: [x], action: drop}\n- *a\n- {<<: *a, action: keep}')).toBe('valid');
});

test('damaged configurations are read or refused, never more', async () => {
  const good = Buffer.from(
    '- {source_labels: [a, b], regex: "(a|b)[^c]*\\\\d{1,3}(?P<n>x)", target_label: "t_${n}", replacement: $1}\n' +
      '- {regex: "x.*", action: labeldrop}\n- source_labels: [c]\n  action: hashmod\n  modulus: 8\n  target_label: d\n',
  );
  expect(messageOf(good.toString())).toBe('valid');
  await forEachMutation(good, { count: 1500 }, ({ bytes }) => void messageOf(bytes.toString('utf8')));
});
