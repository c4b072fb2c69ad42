import { labelsOf, timestampOf, type Family } from './scrape-target.js';

/** Rounds between two starts of the counters anew. */
const roundsPerLife = 9;
const specials = [-0, NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 0.1, -1];

/**
 * What a scraped process shows in a round: every type, floats that are no numbers, native histograms of integers and floats, exemplars,
 * creation times, counters that start anew, and series that come and go.
 */
export function everyKind(round: number): Family[] {
  const life = Math.floor((round - 1) / roundsPerLife);
  const age = ((round - 1) % roundsPerLife) + 1;
  // Not in the first: of what is dated before its start a Prometheus sends nothing.
  const created = life > 0 ? { created: timestampOf(lifeStartMs(life)) } : {};
  const exemplar = {
    label: labelsOf({ trace_id: `trace-${round}`, 'späte.ID': '\u{1f600}' }),
    value: round / 8,
    timestamp: timestampOf(Date.now() - 5),
  };
  const positiveDelta = [age, age, -age];
  const native = {
    count: 6 * age + 1,
    sum: age * 1.5,
    schema: life % 2 === 0 ? 3 : 1,
    zeroThreshold: 0.001,
    zeroCount: 1,
    positiveSpan: [
      { offset: -2, length: 2 },
      { offset: 3, length: 1 },
    ],
    positiveDelta,
    negativeSpan: [{ offset: 0, length: 1 }],
    negativeDelta: [2 * age],
  };
  const isThere = round % 6 < 3;
  return [
    {
      name: 'sent_requests_total',
      help: 'Requests, by "code"\nand more.',
      type: 'COUNTER',
      metric: ['200', '500'].map((code, index) => ({
        label: labelsOf({ code }),
        counter: { value: age * (index + 1), ...created, ...(index === 0 ? { exemplar } : {}) },
      })),
    },
    {
      name: 'sent_temperature_celsius',
      help: 'All that a double can be.',
      unit: 'celsius',
      type: 'GAUGE',
      metric: specials.map((_, index) => ({
        label: labelsOf({ room: `room-${index}` }),
        gauge: { value: specials[(index + round) % specials.length] },
      })),
    },
    {
      name: 'sent.größe',
      type: 'GAUGE',
      metric: [{ label: labelsOf({ 'room.name': 'küche "1"\\\n' }), gauge: { value: round } }],
    },
    { name: 'sent_untyped', type: 'UNTYPED', metric: [{ label: [], untyped: { value: -round } }] },
    {
      name: 'sent_stamped',
      type: 'GAUGE',
      metric: round > 5 ? [{ label: [], gauge: { value: round }, timestampMs: Date.now() - 250 }] : [],
    },
    {
      name: 'sent_summary_seconds',
      type: 'SUMMARY',
      metric: [
        {
          label: [],
          summary: {
            count: age,
            sum: age / 4,
            quantile: [
              { quantile: 0.5, value: age === 1 ? NaN : 0.25 },
              { quantile: 0.99, value: 1 },
            ],
            ...created,
          },
        },
      ],
    },
    {
      name: 'sent_classic_seconds',
      help: 'With buckets of its own.',
      type: 'HISTOGRAM',
      metric: [
        {
          label: [],
          histogram: {
            count: 3 * age,
            sum: age,
            bucket: [
              { count: age, bound: 0.1 },
              { count: 2 * age, bound: 1, exemplar: { ...exemplar, value: 0.5 } },
              { count: 3 * age, bound: Infinity },
            ],
            ...created,
          },
        },
      ],
    },
    {
      name: 'sent_native_seconds',
      type: 'HISTOGRAM',
      metric: [{ label: [], histogram: { ...native, ...created, exemplars: [exemplar] } }],
    },
    {
      name: 'sent_float_seconds',
      type: 'HISTOGRAM',
      metric: [
        {
          label: [],
          histogram: {
            countFloat: 3.5 * age,
            sum: -0,
            schema: 0,
            zeroThreshold: 0,
            zeroCountFloat: age / 2,
            positiveSpan: [{ offset: 1, length: 2 }],
            positiveCount: [age, 2 * age],
          },
        },
      ],
    },
    { name: 'sent_gauge_seconds', type: 'GAUGE_HISTOGRAM', metric: [{ label: [], histogram: native }] },
    {
      name: 'sent_passing',
      type: 'GAUGE',
      metric: isThere ? [{ label: labelsOf({ kind: 'float' }), gauge: { value: round } }] : [],
    },
    {
      name: 'sent_passing_seconds',
      type: 'HISTOGRAM',
      metric: isThere ? [{ label: labelsOf({ kind: 'histogram' }), histogram: native }] : [],
    },
  ];
}

/** When each of the later lives was first asked for. */
const lifeStarts = new Map<number, number>();
function lifeStartMs(life: number): number {
  const startMs = lifeStarts.get(life) ?? Date.now() - 20;
  lifeStarts.set(life, startMs);
  return startMs;
}
