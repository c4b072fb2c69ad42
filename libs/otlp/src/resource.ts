import type { Attribute } from './attributes.js';
import { encodeLabel, withLabels, type EncodedLabel, type LabelSet } from './label-set.js';
import { labelName } from './names.js';

const serviceNamespace = 'service.namespace';
const serviceName = 'service.name';
const serviceInstance = 'service.instance.id';
const identifying = [serviceNamespace, serviceName, serviceInstance];

/** Makes labels of attributes, and remembers the names of those that come often. */
export class LabelMaker {
  readonly #names = new Map<string, string | undefined>();

  /**
   * Where attributes have the same label name, their values follow each other in the order of their keys, with a semicolon between.
   * Undefined if one of the keys has no letter and no digit, and so no label name.
   */
  labelsOf(attributes: readonly Attribute[]): LabelSet | undefined {
    if (attributes.length === 0) return [];
    const named: [name: string, value: string][] = [];
    for (const [key, value] of attributes.length === 1 ? attributes : attributes.toSorted(byFirst)) {
      const name = this.nameOf(key);
      if (name === undefined) return undefined;
      named.push([name, value]);
    }
    named.sort(byFirst); // It is stable: those of one name stay in order.
    const labels: EncodedLabel[] = [];
    for (let at = 0; at < named.length;) {
      const [name, value] = named[at]!;
      let joined = value;
      for (at += 1; at < named.length && named[at]![0] === name; at += 1) joined += `;${named[at]![1]}`;
      labels.push(encodeLabel(name, joined));
    }
    return labels;
  }

  nameOf(key: string): string | undefined {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = labelName(key);
    if (this.#names.size < 1024 && key.length < 256) this.#names.set(key, name);
    return name;
  }
}

/** What a resource says about all of its series. */
export class Resource {
  readonly #attributes: readonly Attribute[];
  /** They give way to attributes of a data point. */
  readonly #promoted: LabelSet;
  /** `job` and `instance`; they come before anything of the same name. */
  readonly #target: LabelSet;

  constructor(attributes: readonly Attribute[], promotedKeys: readonly string[], maker: LabelMaker) {
    this.#attributes = attributes;
    // Of a key that comes twice, the first one counts.
    const values = new Map(attributes.toReversed());
    this.#promoted = promotedLabels(values, promotedKeys, maker);
    this.#target = targetLabels(values);
  }

  /** The labels of a data point, its name apart; undefined if one of its keys has no label name. */
  labelsOf(attributes: readonly Attribute[], maker: LabelMaker): LabelSet | undefined {
    const own = maker.labelsOf(attributes);
    if (own === undefined) return undefined;
    const promoted = this.#promoted.filter(({ name }) => own.every((label) => label.name !== name));
    return withLabels(own, ...promoted, ...this.#target);
  }

  /** The labels of `target_info`, which tells the other attributes; undefined if there are none, or nothing to join them by. */
  targetInfoOf(maker: LabelMaker): LabelSet | undefined {
    const others = this.#attributes.filter(([key]) => !identifying.includes(key));
    const own = others.length === 0 ? undefined : maker.labelsOf(others);
    if (own === undefined) return undefined;
    const labels = withLabels(own, ...this.#target, encodeLabel('__name__', 'target_info'));
    return labels.some(({ name }) => name === 'job' || name === 'instance') ? labels : undefined;
  }
}

function promotedLabels(values: ReadonlyMap<string, string>, keys: readonly string[], maker: LabelMaker): LabelSet {
  const labels = new Map<string, EncodedLabel>();
  for (const key of keys.toSorted()) {
    const value = values.get(key);
    const name = maker.nameOf(key);
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

/** By bytes, as each character is one. */
function byFirst([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
