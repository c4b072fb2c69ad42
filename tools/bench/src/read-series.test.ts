import {
  everySeries,
  fewValuesLabel,
  fewValuesMax,
  manyValuesLabel,
  readSeriesLabels,
  storedLabel,
} from './read-series.js';

const series = Array.from({ length: 2500 }, (_, index) => new Map(readSeriesLabels(index)));
const valuesOf = (label: string): Set<string | undefined> => new Set(series.map((labels) => labels.get(label)));

test('the labels have as many values as the calls are named for', () => {
  expect(valuesOf('__name__').size).toBe(3);
  expect(series.filter((labels) => labels.get('__name__') === 'checkout_requests_0_total')).toHaveLength(1000);
  expect(valuesOf(fewValuesLabel).size).toBe(fewValuesMax);
  expect(valuesOf(manyValuesLabel).size).toBe(series.length);
  expect(valuesOf(storedLabel).size).toBe(3);
});

test('every series has 14 labels in order, and those by which all are asked for', () => {
  for (const labels of series) {
    expect([...labels.keys()]).toEqual([...labels.keys()].sort());
    expect(labels.size).toBe(14);
    expect(Object.fromEntries(labels)).toMatchObject(everySeries);
  }
});
