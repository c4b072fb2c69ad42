import type { Attribute } from './attributes.js';
import { encodeLabel, withLabels, type EncodedLabel, type LabelSet } from './label-set.js';
import { labelName } from './names.js';

const serviceNamespace = 'service.namespace';
const serviceName = 'service.name';
const serviceInstance = 'service.instance.id';
const identifying = [serviceNamespace, serviceName, serviceInstance];

/**
 * Attributes as labels. Where several have the same label name, their values follow each other in the order of their keys, with a
 * semicolon between. Undefined if one of them has no label name.
 */
export function labelsOf(attributes: readonly Attribute[]): LabelSet | undefined {
  const labels: EncodedLabel[] = [];
  const sorted = attributes.length < 2 ? attributes : attributes.toSorted(byNameAndKey);
  for (let at = 0; at < sorted.length;) {
    const { label, text } = sorted[at]!;
    if (label === undefined) return undefined;
    let joined = text;
    const first = at;
    for (at += 1; sorted[at]?.label?.name === label.name; at += 1) joined += `;${sorted[at]!.text}`;
    labels.push(at === first + 1 ? label : encodeLabel(label.name, joined));
  }
  return labels;
}

/** What a resource says about all of its series. */
export class Resource {
  readonly #attributes: readonly Attribute[];
  /** They give way to attributes of a data point. */
  readonly #promoted: LabelSet;
  /** `job` and `instance`; they come before anything of the same name. */
  readonly #target: LabelSet;

  constructor(attributes: readonly Attribute[], promotedKeys: readonly string[]) {
    this.#attributes = attributes;
    // Of a key that comes twice, the first one counts.
    const values = new Map(attributes.toReversed().map(({ key, text }) => [key, text]));
    this.#promoted = promotedLabels(values, promotedKeys);
    this.#target = targetLabels(values);
  }

  /** The labels of a data point, its name apart; undefined if one of its keys has no label name. */
  labelsOf(attributes: readonly Attribute[]): LabelSet | undefined {
    const own = labelsOf(attributes);
    if (own === undefined) return undefined;
    const promoted = this.#promoted.filter(({ name }) => own.every((label) => label.name !== name));
    return withLabels(own, ...promoted, ...this.#target);
  }

  /** The labels of `target_info`, which tells the other attributes; undefined if there are none, or nothing to join them by. */
  targetInfoOf(): LabelSet | undefined {
    const others = this.#attributes.filter(({ key }) => !identifying.includes(key));
    const own = others.length === 0 ? undefined : labelsOf(others);
    if (own === undefined) return undefined;
    const labels = withLabels(own, ...this.#target, encodeLabel('__name__', 'target_info'));
    return labels.some(({ name }) => name === 'job' || name === 'instance') ? labels : undefined;
  }
}

function promotedLabels(values: ReadonlyMap<string, string>, keys: readonly string[]): LabelSet {
  const labels = new Map<string, EncodedLabel>();
  for (const key of keys.toSorted()) {
    const value = values.get(key);
    const name = labelName(key);
    if (value !== undefined && name !== undefined && !labels.has(name)) labels.set(name, encodeLabel(name, value));
  }
  return [...labels.values()];
}

function targetLabels(values: ReadonlyMap<string, string>): LabelSet {
  const labels: EncodedLabel[] = [];
  const name = values.get(serviceName);
  const namespace = values.get(serviceNamespace);
  const instance = values.get(serviceInstance);
  if (name !== undefined) labels.push(encodeLabel('job', namespace === undefined ? name : `${namespace}/${name}`));
  if (instance !== undefined) labels.push(encodeLabel('instance', instance));
  return labels;
}

/** Those without a name come first. Characters are bytes, so this is the order of bytes. */
function byNameAndKey(left: Attribute, right: Attribute): number {
  return compare(left.label?.name ?? '', right.label?.name ?? '') || compare(left.key, right.key);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
