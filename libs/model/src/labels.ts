/** One label. Strings are for cold paths: a million series keep their labels as bytes. */
export interface Label {
  readonly name: string;
  readonly value: string;
}

/** Sorted by the bytes of the names, each name once, no empty name or value. */
export type Labels = readonly Label[];

/** Orders strings by their UTF-8 bytes. JavaScript's `<` compares UTF-16 units, which puts astral characters before U+E000. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const unitA = a.charCodeAt(at);
    const unitB = b.charCodeAt(at);
    if (unitA === unitB) continue;
    // Surrogates stand for code points above all other units.
    const isSurrogateA = (unitA & 0xf800) === 0xd800;
    const isSurrogateB = (unitB & 0xf800) === 0xd800;
    if (isSurrogateA !== isSurrogateB) return isSurrogateA ? 1 : -1;
    return unitA - unitB;
  }
  return a.length - b.length;
}

/** The order of series in an index and on the wire: name by name and value by value; a prefix comes first. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const order = compareUtf8(a[index]!.name, b[index]!.name) || compareUtf8(a[index]!.value, b[index]!.value);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Labels in order, made of any record of them. Empty values mean that the label is absent. */
export function labelsOf(record: Readonly<Record<string, string>>): Labels {
  return Object.entries(record)
    .filter(([name, value]) => name !== '' && value !== '')
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => compareUtf8(a.name, b.name));
}

/** Whether it keeps the promises of the type: sorted, each name once, nothing empty. */
export function areLabelsValid(labels: readonly Label[]): boolean {
  return labels.every(
    ({ name, value }, index) =>
      name !== '' && value !== '' && (index === 0 || compareUtf8(labels[index - 1]!.name, name) < 0),
  );
}
