/**
 * A label and its encoding as a label of a prometheus.TimeSeries, one byte to a character. Labels are encoded when they are made: most of
 * them are in many series.
 */
export interface EncodedLabel {
  readonly name: string;
  /** Empty if the label has no value, which is as good as no label. */
  readonly encoded: string;
}

/** Labels sorted by name bytewise, each name once. */
export type LabelSet = readonly EncodedLabel[];

export function encodeLabel(name: string, value: string): EncodedLabel {
  if (value === '') return { name, encoded: '' };
  return { name, encoded: textField('\n', textField('\n', name) + textField('\x12', value)) };
}

/** The set with labels that come before those of the same names. */
export function withLabels(set: LabelSet, ...labels: EncodedLabel[]): LabelSet {
  const all = [...set];
  for (const label of labels) {
    const at = all.findIndex(({ name }) => name >= label.name);
    if (at < 0) all.push(label);
    else all.splice(at, all[at]!.name === label.name ? 1 : 0, label);
  }
  return all;
}

/** The labels as they stand at the beginning of a series. */
export function encodedSet(set: LabelSet): string {
  let encoded = '';
  for (const label of set) encoded += label.encoded;
  return encoded;
}

/** A field of bytes: its tag, the length as a varint, the content. */
function textField(tag: string, content: string): string {
  let length = '';
  let rest = content.length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length += String.fromCharCode((rest % 128) | 0x80);
  return tag + length + String.fromCharCode(rest) + content;
}
