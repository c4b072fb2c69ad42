import { joinReasons } from '@gauntlet/base';
import type { LabelBytes } from '@gauntlet/kernel';
import { rejectionTexts, type Rejection, type RejectionCounts, type RejectionReason } from './rejection.js';

/** One rejection, with what names its series to a client. */
export interface Offender {
  readonly tenant: string;
  readonly labels: readonly LabelBytes[];
  readonly rejection: Rejection;
}

/** How many offenders a text names; the others are counted. */
export const offendersMax = 10;
/** UTF-16 units of a text that labels take at most; what is left out leaves a `…`. */
const labelsLengthMax = 1024;

/**
 * What a client is told of a request that was refused in part. What is known of old comes first, `add 2 samples: out of order sample`, since senders match on it
 * (spec/receive.md 6.5); then the first offenders, and how many more items were refused.
 * @param offenders the first ones, `offendersMax` of which are named
 * @param counts of all that were refused, those offenders among them
 * @param bytesMax what all offenders' texts may take; those that do not fit are counted with the others
 */
export function describeOffenders({
  offenders,
  counts,
  bytesMax = Infinity,
}: {
  readonly offenders: readonly Offender[];
  readonly counts: RejectionCounts;
  readonly bytesMax?: number;
}): string {
  const texts: string[] = [];
  let more = Object.values(counts).reduce((sum, count) => sum + count, 0);
  let bytes = 0;
  for (const offender of offenders.slice(0, offendersMax)) {
    const text = describeOffender(offender);
    bytes += Buffer.byteLength(text);
    if (bytes > bytesMax) break;
    texts.push(text);
    more -= offender.rejection.count;
  }
  if (texts.length > 0 && more > 0) texts.push(`and ${more} more`);
  const known = describeCounts(counts);
  return texts.length === 0 ? known : `${known} (${texts.join('; ')})`;
}

/** One text for all reasons: distinct ones in byte order, as Thanos joins them. */
export function describeCounts(counts: RejectionCounts): string {
  return joinReasons(
    (Object.keys(rejectionTexts) as RejectionReason[])
      .filter((reason) => (counts[reason] ?? 0) > 0)
      .map((reason) => `add ${counts[reason]!} ${nouns[reason] ?? 'samples'}: ${rejectionTexts[reason]}`),
  );
}

/** What the known texts say was refused, where it is not samples. */
const nouns: Partial<Record<RejectionReason, 'series' | 'exemplars'>> = {
  emptyLabel: 'series',
  duplicateLabel: 'series',
  unsortedLabel: 'series',
  badReference: 'series',
  nameMissing: 'series',
  notUtf8: 'series',
  noItems: 'series',
  exemplarOutOfOrder: 'exemplars',
  exemplarLabels: 'exemplars',
  exemplarWithoutSeries: 'exemplars',
};

function describeOffender({ tenant, labels, rejection: { item, count, reason } }: Offender): string {
  const items = count === 1 ? '' : ` (${count} ${item === 'series' ? item : `${item}s`})`;
  return `tenant ${quote(Buffer.from(tenant))}: ${describeLabels(labels)}: ${rejectionTexts[reason]}${items}`;
}

/** Labels as Prometheus prints them, `{__name__="up", job="api"}`, cut when they are very long. */
export function describeLabels(labels: readonly LabelBytes[]): string {
  let text = '{';
  for (const [name, value] of labels) {
    if (text.length > labelsLengthMax) break;
    if (text.length > 1) text += ', ';
    // Names that need no quotes have the same bytes as text.
    const nameText = name.length <= labelsLengthMax ? name.toString('latin1') : '';
    text += `${plainName.test(nameText) ? nameText : quote(name)}=${quote(value)}`;
  }
  if (text.length < labelsLengthMax) return `${text}}`;
  const isPairCut = (text.charCodeAt(labelsLengthMax - 1) & 0xfc00) === 0xd800;
  return `${text.slice(0, labelsLengthMax - (isPairCut ? 1 : 0))}…}`;
}

const plainName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};
/** What Go prints as it is. */
const printable = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

/** Text in double quotes, as Go's strconv.Quote writes it; of a very long one only the beginning, longer than what is printed. */
function quote(bytes: Buffer): string {
  let text = '"';
  for (let at = 0; at < bytes.length && text.length <= labelsLengthMax + 1;) {
    const character = characterAt(bytes, at);
    if (character === undefined) {
      text += `\\x${hex(bytes[at]!, 2)}`;
      at += 1;
      continue;
    }
    text += escapes[character] ?? (printable.test(character) ? character : escaped(character.codePointAt(0)!));
    at += Buffer.byteLength(character);
  }
  return `${text}"`;
}

/** The character of valid UTF-8 that begins here; undefined when none does. */
function characterAt(bytes: Buffer, at: number): string | undefined {
  const lead = bytes[at]!;
  if (lead < 0x80) return String.fromCharCode(lead);
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const piece = bytes.subarray(at, at + length);
  const character = piece.toString();
  return Buffer.from(character).equals(piece) ? character : undefined;
}

function escaped(code: number): string {
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code < 0x1_0000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
