import { validateHistogram } from '@gauntlet/chunk';
import { KiB } from '@gauntlet/base';
import type { LabelBytes } from '@gauntlet/kernel';
import type { Labels } from '@gauntlet/model';
import { decodeSeriesParts, type PartLimits } from '@gauntlet/remote-write';
import { areLabelsTooLong } from './exemplar-ring.js';
import { receivedHistogram } from './received-histogram.js';

/** What is decoded of a series' field. What is longer is refused. */
export const partLimits: PartLimits = {
  // A thousand buckets take some ten kilobytes, and in memory every one takes fifty times its bytes.
  histogramBytesMax: 128 * KiB,
  // 128 code points have 512 bytes at most, and labels that are empty take room, too.
  exemplarBytesMax: 4 * KiB,
};

/** A histogram or exemplar, by what can be said of it without its series. */
export interface ReceivedPart {
  readonly kind: 'histogram' | 'exemplar';
  /** Undefined when it is refused whatever its time. */
  readonly timestampMs: bigint | undefined;
}

/** The parts of a series' field, in the order of the message: those that no series would take have no time. */
export function* receivedParts(field: Uint8Array): Generator<ReceivedPart> {
  for (const part of decodeSeriesParts(field, partLimits)) {
    if (part.kind === 'histogram') {
      const { kind, histogram } = part;
      const isSound = histogram !== 'too long' && validateHistogram(receivedHistogram(histogram)) === undefined;
      yield { kind, timestampMs: isSound ? histogram.timestampMs : undefined };
    } else {
      const { kind, exemplar } = part;
      const isSound = exemplar !== 'too long' && !areLabelsTooLong(exemplarLabels(exemplar.labels));
      yield { kind, timestampMs: isSound ? exemplar.timestampMs : undefined };
    }
  }
}

/** Labels of exemplars, in the order in which they came. */
export function exemplarLabels(labels: readonly LabelBytes[]): Labels {
  return labels.map(([name, value]) => ({ name: name.toString(), value: value.toString() }));
}
