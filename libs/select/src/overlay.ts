import type { Labels } from '@gauntlet/model';

/**
 * What lies between stored labels and those that a caller sees (spec/receive.md 5.4): external labels are added and win over stored ones of the same name;
 * replica labels are removed from both.
 */
export interface LabelOverlay {
  /** External labels without the removed ones. */
  readonly added: Labels;
  /** Names that no stored label keeps: the removed ones, and those of `added`. */
  readonly hidden: readonly string[];
  /** The final labels of a stored series, both canonical; a view that the next call overwrites. */
  apply(stored: Uint8Array): Uint8Array;
  /** The order of two stored series by their final labels, without making those. */
  compare(a: Uint8Array, b: Uint8Array): number;
}
