import { isUtf8 } from './escaped-text.js';
import { RelabelConfigError } from './error.js';
import { defaultExpression } from './pattern.js';

export const actions = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;

export type Action = (typeof actions)[number];

/** A rule as it is written, with Prometheus' defaults for what is not. */
export interface RelabelRule {
  readonly action: Action;
  readonly sourceLabels: readonly string[] | undefined;
  readonly separator: string;
  /** Undefined: not written, which some actions tell from the default that is written. */
  readonly regex: string | undefined;
  readonly modulus: bigint;
  readonly targetLabel: string;
  readonly replacement: string;
}

export const ruleDefaults: RelabelRule = {
  action: 'replace',
  sourceLabels: undefined,
  separator: ';',
  regex: undefined,
  modulus: 0n,
  targetLabel: '',
  replacement: '$1',
};

export function expressionOf(rule: RelabelRule): string {
  return rule.regex ?? defaultExpression;
}

/** Prometheus' checks in its order and words. @throws RelabelConfigError */
export function validateRule(rule: RelabelRule): void {
  const { action, targetLabel, replacement } = rule;
  const fail = (reason: string): never => {
    throw new RelabelConfigError(reason);
  };
  if (action === 'hashmod' && rule.modulus === 0n) fail('relabel configuration for hashmod requires non-zero modulus');
  if (needsTarget.has(action)) {
    if (targetLabel === '') fail(`relabel configuration for ${action} action requires 'target_label' value`);
    // With names of any UTF-8, whatever is not empty is valid: `$` too, so that a template needs no check of its own.
    if (!isUtf8(targetLabel)) fail(`${JSON.stringify(targetLabel)} is invalid 'target_label' for ${action} action`);
  }
  if (hasFixedValue.has(action) && replacement !== ruleDefaults.replacement)
    fail(`'replacement' can not be set for ${action} action`);
  if (action === 'labelmap' && (replacement === '' || !isUtf8(replacement)))
    fail(`${JSON.stringify(replacement)} is invalid 'replacement' for ${action} action`);
  if (action === 'dropequal' || action === 'keepequal') {
    if (rule.regex !== undefined || rule.modulus !== 0n || rule.separator !== ruleDefaults.separator)
      fail(`${action} action requires only 'source_labels' and \`target_label\`, and no other fields`);
  }
  if (action === 'labeldrop' || action === 'labelkeep') {
    const isPlain =
      rule.sourceLabels === undefined &&
      targetLabel === '' &&
      rule.modulus === 0n &&
      rule.separator === ruleDefaults.separator &&
      replacement === ruleDefaults.replacement;
    if (!isPlain) fail(`${action} action requires only 'regex', and no other fields`);
  }
}

const needsTarget = new Set<Action>(['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal']);
const hasFixedValue = new Set<Action>(['lowercase', 'uppercase', 'keepequal', 'dropequal']);
