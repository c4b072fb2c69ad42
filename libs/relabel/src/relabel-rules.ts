import { bytesOfEscaped, escapedText, isUtf8 } from './escaped-text.js';
import { encodeText, LabelBuilder, type EncodedText, type LabelBytes } from './label-builder.js';
import { md5Tail } from './md5.js';
import { compilePattern, type Pattern } from './pattern.js';
import { expressionOf, type RelabelRule } from './rule.js';
import { lowerCase, upperCase } from './simple-case.js';
import { expand, parseTemplate, type Template } from './template.js';

/** Rules that are ready to run. */
export interface RelabelRules {
  readonly count: number;
  /** @internal What `relabel` runs; false drops the series. */
  readonly steps: readonly Step[];
}

type Step = (labels: LabelBuilder) => boolean;

/** Texts that a rule remembers its outcome for: the values of a label come again and again. */
const outcomesMax = 1024;
/** Longer texts are not remembered. */
const outcomeCharsMax = 256;

/**
 * Applies the rules in their order (Prometheus' `relabel.Process`). Undefined: a rule drops the series. If no rule changed anything it is the same array, in the
 * order in which it came; else it is sorted by name.
 */
export function relabel(rules: RelabelRules, labels: readonly LabelBytes[]): readonly LabelBytes[] | undefined {
  if (rules.count === 0) return labels;
  builder.reset(labels);
  for (const step of rules.steps) if (!step(builder)) return undefined;
  return builder.labels();
}

/** Nothing waits while rules run, so one builder serves all. */
const builder = new LabelBuilder();

type InRule = <T>(at: number, act: () => T) => T;

/** @param inRule wraps what is done for one rule, to name it in errors */
export function compileRules(rules: readonly RelabelRule[], inRule: InRule = (_, act) => act()): RelabelRules {
  const steps = rules.map((rule, at) => inRule(at, () => compileRule(rule)));
  return { count: steps.length, steps };
}

function compileRule(rule: RelabelRule): Step {
  const pattern = compilePattern(expressionOf(rule));
  const target = encodeText(rule.targetLabel);
  const source = sourceOf(rule);
  switch (rule.action) {
    case 'keep':
      return (labels) => pattern.matches(source(labels));
    case 'drop':
      return (labels) => !pattern.matches(source(labels));
    case 'keepequal':
      return (labels) => labels.get(target) === source(labels);
    case 'dropequal':
      return (labels) => labels.get(target) !== source(labels);
    case 'replace':
      return replaceStep(rule, source, pattern);
    case 'lowercase':
      return setStep(source, target, lowerCase);
    case 'uppercase':
      return setStep(source, target, upperCase);
    case 'hashmod':
      return setStep(source, target, (text) => String(md5Tail(bytesOfEscaped(text)) % rule.modulus));
    case 'labelmap':
      return labelMapStep(rule, pattern);
    case 'labeldrop':
      return filterStep((name) => !pattern.matches(name));
    case 'labelkeep':
      return filterStep((name) => pattern.matches(name));
  }
}

/** The values of the source labels, joined. */
function sourceOf({ sourceLabels = [], separator }: RelabelRule): (labels: LabelBuilder) => string {
  const names = sourceLabels.map(encodeText);
  const [only] = names;
  if (only === undefined) return () => '';
  if (names.length === 1) return (labels) => labels.get(only);
  return (labels) => names.map((name) => labels.get(name)).join(separator);
}

function setStep(source: (labels: LabelBuilder) => string, target: EncodedText, map: (text: string) => string): Step {
  const outcome = remembered((text) => encodeText(map(text)));
  return (labels) => {
    labels.set(target, outcome(source(labels)));
    return true;
  };
}

interface Replacement {
  readonly target: EncodedText;
  readonly value: EncodedText;
}

function replaceStep(rule: RelabelRule, source: (labels: LabelBuilder) => string, pattern: Pattern): Step {
  const target = parseTemplate(rule.targetLabel);
  const value = parseTemplate(rule.replacement);
  const replacement = remembered((text) => replacementOf({ text, pattern, target, value }));
  return (labels) => {
    const outcome = replacement(source(labels));
    if (outcome) labels.set(outcome.target, outcome.value);
    return true;
  };
}

/** Undefined: the text does not match, or the target becomes no valid name, and nothing happens. */
function replacementOf(at: {
  text: string;
  pattern: Pattern;
  target: Template;
  value: Template;
}): Replacement | undefined {
  const { text, pattern } = at;
  if (!pattern.matches(text)) return undefined;
  const match = pattern.find(text);
  if (match === undefined) return undefined;
  const target = expand(at.target, match.group, pattern.groupNumbers);
  if (target === '' || !isUtf8(target)) return undefined;
  return { target: encodeText(target), value: encodeText(expand(at.value, match.group, pattern.groupNumbers)) };
}

function labelMapStep(rule: RelabelRule, pattern: Pattern): Step {
  const template = parseTemplate(rule.replacement);
  const mapped = remembered((name) =>
    pattern.matches(name) ? encodeText(replaceAll(name, pattern, template)) : undefined,
  );
  return (labels) => {
    for (const { name, value } of labels.entries()) {
      const target = mapped(name.text);
      if (target) labels.set(target, { text: escapedText(value), bytes: value });
    }
    return true;
  };
}

/** Go's `ReplaceAllString`. An anchored pattern matches once; those that are not are rare, and go on after each match. */
function replaceAll(text: string, pattern: Pattern, template: Template): string {
  let out = '';
  let copied = 0;
  for (let from = 0; from <= text.length;) {
    const match = pattern.find(text, from);
    if (match === undefined) break;
    out += text.slice(copied, match.start);
    // An empty match right after another match does not count.
    if (match.end > copied || match.start === 0) out += expand(template, match.group, pattern.groupNumbers);
    copied = match.end;
    const width = (text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1;
    from = Math.max(from + width, match.end);
  }
  return out + text.slice(copied);
}

function filterStep(isKept: (name: string) => boolean): Step {
  const keeps = remembered(isKept);
  return (labels) => {
    for (const { name } of labels.entries()) if (!keeps(name.text)) labels.delete(name);
    return true;
  };
}

function remembered<T>(outcomeOf: (text: string) => T): (text: string) => T {
  const outcomes = new Map<string, T>();
  return (text) => {
    if (text.length > outcomeCharsMax) return outcomeOf(text);
    const known = outcomes.get(text);
    if (known !== undefined || outcomes.has(text)) return known as T;
    const outcome = outcomeOf(text);
    if (outcomes.size === outcomesMax) outcomes.clear();
    outcomes.set(text, outcome);
    return outcome;
  };
}
