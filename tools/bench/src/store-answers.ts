/** What a message of an answer holds, as far as it is counted. */
export interface AnswerCount {
  /** Series, names or values. */
  readonly items: number;
  readonly warnings: readonly string[];
}

/*
 * Answers are counted and not decoded: the reader shares the machine with what is measured, so it skips from field to field.
 */

/** Of a `thanos.SeriesResponse`: `series = 1`, `warning = 2`, `batch = 4` with `series = 1`. */
export function countSeries(message: Buffer): AnswerCount {
  let items = 0;
  const warnings: string[] = [];
  forEachField(message, 0, message.length, (field, from, to) => {
    if (field === 1) items += 1;
    if (field === 2) warnings.push(message.toString('utf8', from, to));
    if (field === 4)
      forEachField(message, from, to, (inner) => {
        if (inner === 1) items += 1;
      });
  });
  return { items, warnings };
}

/** Of a `thanos.LabelNamesResponse` or `thanos.LabelValuesResponse`: `names` or `values = 1`, `warnings = 2`. */
export function countTexts(message: Buffer): AnswerCount {
  let items = 0;
  const warnings: string[] = [];
  forEachField(message, 0, message.length, (field, from, to) => {
    if (field === 1) items += 1;
    if (field === 2) warnings.push(message.toString('utf8', from, to));
  });
  return { items, warnings };
}

/** Visits the fields with a length; numbers are skipped. */
function forEachField(
  bytes: Buffer,
  from: number,
  to: number,
  visit: (field: number, from: number, to: number) => void,
): void {
  let at = from;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || at > to) throw new Error(`Cannot count an answer: it ends at byte ${at - 1}`);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < to) {
    const tag = varint();
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        if (at + length > to)
          throw new Error(`Cannot count an answer: a field of ${length} bytes at byte ${at} is cut off`);
        visit(tag >>> 3, at, at + length);
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error(`Cannot count an answer: there is a field of type ${tag & 7} at byte ${at}`);
    }
  }
}
