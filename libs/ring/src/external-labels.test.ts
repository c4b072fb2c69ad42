import { buildHashrings, parseHashrings } from './index.js';

const hashrings = buildHashrings(
  parseHashrings(
    JSON.stringify([
      { tenants: ['team-*'], tenant_matcher_type: 'glob', endpoints: ['a'], external_labels: { from: 'pattern' } },
      { tenants: ['team-a', 'team-b'], endpoints: ['a'], external_labels: { from: 'first', region: 'eu' } },
      { tenants: ['team-b', 'team-c'], endpoints: ['a'], external_labels: { from: 'second' } },
      { tenants: ['plain'], endpoints: ['a'] },
      { endpoints: ['a'], external_labels: { from: 'default' } },
    ]),
  ),
  { algorithm: 'hashmod', replicationFactor: 1 },
);

test.each([
  ['team-a', { from: 'first', region: 'eu' }],
  ['team-b', { from: 'first', region: 'eu' }],
  ['team-c', { from: 'second' }],
  ['team-d', {}], // Only a pattern takes it.
  ['team-*', { from: 'pattern' }], // Listed letter for letter, whatever the list means.
  ['plain', {}],
  ['other', {}],
])('the first hashring that lists %s by name gives it external labels, other hashrings none', (tenant, labels) => {
  expect(Object.fromEntries(hashrings.externalLabelsOf(tenant))).toEqual(labels);
});
