import { OperationalError, messageOf } from '@gauntlet/base';
import { parseDocument } from 'yaml';
import { RelabelConfigError } from './error.js';
import { compileRules, type RelabelRules } from './relabel-rules.js';
import { actions, ruleDefaults, validateRule, type Action, type RelabelRule } from './rule.js';

/**
 * Reads the YAML of `--receive.relabel-config`: a list of rules, of which none is fine. Unlike Thanos, which takes a misspelt key for
 * nothing, it refuses unknown keys, and numbers that are not whole.
 * @throws RelabelConfigError
 */
export function parseRelabelConfig(text: string): RelabelRules {
  const list = parseYaml(text);
  if (list === null || list === undefined) return compileRules([]);
  if (!Array.isArray(list))
    throw new RelabelConfigError('Cannot parse relabel configuration: it must be a list of rules');
  const rules = list.map((entry: unknown, at) => inRule(at, () => ruleOf(entry)));
  return compileRules(rules, inRule);
}

function inRule<T>(at: number, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    throw new RelabelConfigError(`Cannot parse relabel configuration: rule ${at + 1}: ${error.message}`, {
      cause: error,
    });
  }
}

/** All scalars stay text: the keys know their types, and an expression like `1.0` must not become a number. Only null is told apart. */
function parseYaml(text: string): unknown {
  const document = parseDocument(text, { schema: 'failsafe', customTags: ['null'], merge: true });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const reason =
      fault.code === 'BAD_INDENT' || fault.code === 'MISSING_CHAR'
        ? 'did not find expected node content'
        : fault.code.toLowerCase().replaceAll('_', ' ');
    throw new RelabelConfigError(
      `Cannot parse relabel configuration: yaml: line ${fault.linePos?.[0].line ?? 1}: ${reason}`,
    );
  }
  try {
    return document.toJS() as unknown;
  } catch (error) {
    throw new RelabelConfigError(`Cannot parse relabel configuration: yaml: ${messageOf(error)}`, { cause: error });
  }
}

function ruleOf(entry: unknown): RelabelRule {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new RelabelConfigError('it must be a mapping of keys to values');
  let rule = ruleDefaults;
  for (const [key, value] of Object.entries(entry)) {
    if (!Object.hasOwn(readers, key)) throw new RelabelConfigError(`field ${key} not found`);
    rule = { ...rule, ...readers[key]!(key, value) };
  }
  validateRule(rule);
  return rule;
}

/** How each key is read. A null empties what has a default, as in Prometheus. */
const readers: Readonly<Record<string, (key: string, value: unknown) => Partial<RelabelRule>>> = {
  source_labels: (key, value) => ({ sourceLabels: value === null ? undefined : namesOf(key, value) }),
  separator: (key, value) => ({ separator: textOf(key, value) }),
  regex: (key, value) => ({ regex: textOf(key, value) }),
  modulus: (_, value) => ({ modulus: modulusOf(value) }),
  target_label: (key, value) => ({ targetLabel: textOf(key, value) }),
  replacement: (key, value) => ({ replacement: textOf(key, value) }),
  action: (key, value) => ({ action: actionOf(value === null ? null : textOf(key, value)) }),
};

function textOf(key: string, value: unknown): string {
  if (value === null) return '';
  if (typeof value !== 'string') throw new RelabelConfigError(`field ${key} must be text`);
  return value;
}

function namesOf(key: string, value: unknown): string[] {
  if (!Array.isArray(value)) throw new RelabelConfigError(`field ${key} must be a list of label names`);
  return value.map((name: unknown) => {
    if (name === '') throw new RelabelConfigError('"" is not a valid label name');
    return textOf(key, name);
  });
}

function modulusOf(value: unknown): bigint {
  if (value === null) return 0n;
  const digits = typeof value === 'string' ? /^\+?(\d{1,20})(?:\.0*)?$/.exec(value)?.[1] : undefined;
  const modulus = digits === undefined ? modulusMax + 1n : BigInt(digits);
  if (modulus > modulusMax)
    throw new RelabelConfigError(`field modulus must be a whole number from 0 to ${modulusMax}`);
  return modulus;
}

const modulusMax = 2n ** 64n - 1n;

function actionOf(text: string | null): Action {
  if (text === null) throw new RelabelConfigError('relabel action cannot be empty');
  const action = actions.find((known) => known === text.toLowerCase());
  if (action === undefined) throw new RelabelConfigError(`unknown relabel action ${JSON.stringify(text)}`);
  return action;
}
