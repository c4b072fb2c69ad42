import type { Attribute } from './attributes.js';
import { labelName } from './names.js';

const serviceNamespace = 'service.namespace';
const serviceName = 'service.name';
const serviceInstance = 'service.instance.id';
const identifying = [serviceNamespace, serviceName, serviceInstance];

/**
 * Makes labels of attributes. Where two attributes have the same label name, their values follow each other in the order of their keys, with a
 * semicolon between.
 */
export class LabelMaker {
  readonly #names = new Map<string, string | undefined>();

  /** Undefined if one of the keys has no letter and no digit, and so no label name. */
  labelsOf(attributes: readonly Attribute[]): Map<string, string> | undefined {
    const labels = new Map<string, string>();
    for (const [key, text] of attributes.toSorted(byKey)) {
      const name = this.nameOf(key);
      if (name === undefined) return undefined;
      const before = labels.get(name);
      labels.set(name, before === undefined ? text : `${before};${text}`);
    }
    return labels;
  }

  nameOf(key: string): string | undefined {
    if (this.#names.has(key)) return this.#names.get(key);
    const name = labelName(key);
    if (this.#names.size < 1024 && key.length < 256) this.#names.set(key, name);
    return name;
  }
}

/** What a resource says about all of its series. */
export class Resource {
  readonly #attributes: readonly Attribute[];
  /** They give way to attributes of a data point. */
  readonly #promoted: ReadonlyMap<string, string>;
  /** `job` and `instance`; they come before anything of the same name. */
  readonly #target: ReadonlyMap<string, string>;

  constructor(attributes: readonly Attribute[], promotedKeys: readonly string[], maker: LabelMaker) {
    this.#attributes = attributes;
    // Of a key that comes twice, the first one counts.
    const values = new Map(attributes.toReversed());
    this.#promoted = promotedLabels(values, promotedKeys, maker);
    this.#target = targetLabels(values);
  }

  /** The labels of a data point, its name apart; undefined if one of its keys has no label name. */
  labelsOf(attributes: readonly Attribute[], maker: LabelMaker): Map<string, string> | undefined {
    const labels = maker.labelsOf(attributes);
    if (labels === undefined) return undefined;
    for (const [name, value] of this.#promoted) if (!labels.has(name)) labels.set(name, value);
    for (const [name, value] of this.#target) labels.set(name, value);
    return labels;
  }

  /** The labels of `target_info`, which tells the other attributes; undefined if there are none, or nothing to join them by. */
  targetInfoOf(maker: LabelMaker): Map<string, string> | undefined {
    const others = this.#attributes.filter(([key]) => !identifying.includes(key));
    if (others.length === 0) return undefined;
    const labels = maker.labelsOf(others);
    if (labels === undefined) return undefined;
    for (const [name, value] of this.#target) labels.set(name, value);
    if (!labels.has('job') && !labels.has('instance')) return undefined;
    return labels.set('__name__', 'target_info');
  }
}

function promotedLabels(
  values: ReadonlyMap<string, string>,
  keys: readonly string[],
  maker: LabelMaker,
): Map<string, string> {
  const labels = new Map<string, string>();
  for (const key of keys.toSorted()) {
    const value = values.get(key);
    const name = maker.nameOf(key);
    if (value !== undefined && name !== undefined && !labels.has(name)) labels.set(name, value);
  }
  return labels;
}

function targetLabels(values: ReadonlyMap<string, string>): Map<string, string> {
  const labels = new Map<string, string>();
  const name = values.get(serviceName);
  const namespace = values.get(serviceNamespace);
  const instance = values.get(serviceInstance);
  if (name !== undefined) labels.set('job', namespace === undefined ? name : `${namespace}/${name}`);
  if (instance !== undefined) labels.set('instance', instance);
  return labels;
}

/** Bytewise, as both are bytes. */
function byKey([left]: Attribute, [right]: Attribute): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
