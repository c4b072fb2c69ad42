import { OperationalError, type ErrorKind } from '@gauntlet/base';
import { Answers, type Dialect } from './answer.js';
import { bodyTooLarge, WriteLimitedError, WriteNotReadyError, WriteOverloadedError } from './errors.js';
import type { WriteOutcome } from './write-target.js';

const answers = new Answers(() => 0);
const text = (body: Uint8Array): string => Buffer.from(body).toString();

const dialects: readonly Dialect[] = ['v1', 'v1-plain', 'v2', 'otlp'];
test.each<[verdict: WriteOutcome['verdict'], v1: number, v1Plain: number, v2: number, otlp: number]>([
  ['stored', 200, 200, 204, 200],
  ['conflict', 409, 400, 400, 409],
  ['limited', 429, 429, 429, 429],
  ['unavailable', 503, 503, 503, 503],
])('what is %s has its status in each dialect, and true counts in 2.0', (verdict, ...statuses) => {
  const outcome = { verdict, text: 'why', written: { samples: 3, histograms: 2, exemplars: 1 }, tenants: [] };
  for (const [index, dialect] of dialects.entries()) {
    const { status, headers, body } = answers.ofOutcome(dialect, outcome);
    expect([dialect, status, text(body)]).toEqual([dialect, statuses[index], verdict === 'stored' ? '' : 'why\n']);
    expect(headers['X-Prometheus-Remote-Write-Samples-Written']).toBe(dialect === 'v2' ? '3' : undefined);
    expect(headers['X-Prometheus-Remote-Write-Histograms-Written']).toBe(dialect === 'v2' ? '2' : undefined);
    expect(headers['X-Prometheus-Remote-Write-Exemplars-Written']).toBe(dialect === 'v2' ? '1' : undefined);
    expect('Retry-After' in headers).toBe(status === 429 || status === 503);
  }
});

class SomeError extends OperationalError {
  readonly code = 'SOME';
  readonly kind: ErrorKind;
  readonly httpStatus?: number;
  constructor(kind: ErrorKind, httpStatus?: number) {
    super('why');
    this.kind = kind;
    if (httpStatus !== undefined) this.httpStatus = httpStatus;
  }
}

test.each<[name: string, error: unknown, status: number, body: string]>([
  ['rejected', new SomeError('rejected'), 400, 'why\n'],
  ['conflict', new SomeError('conflict'), 409, 'why\n'],
  ['overloaded', new SomeError('overloaded'), 503, 'why\n'],
  ['unavailable', new SomeError('unavailable'), 503, 'why\n'],
  ['corrupt', new SomeError('corrupt'), 500, 'why\n'],
  ['a status of its own', new SomeError('unavailable', 500), 500, 'why\n'],
  ['not ready, without a newline', new WriteNotReadyError(), 503, 'Service Unavailable'],
  ['full', new WriteOverloadedError('it is full'), 503, 'Cannot admit write: it is full\n'],
  ['limited', new WriteLimitedError('slower'), 429, 'slower\n'],
  ['too large', bodyTooLarge(), 413, 'write request too large\n'],
  ['refused by express', Object.assign(new Error('secret'), { status: 400 }), 400, 'bad request\n'],
  // The text of our own bugs may hold anything, and stays in the log.
  ['a bug', new Error('secret'), 500, 'internal error\n'],
  ['a bug that throws no error', undefined, 500, 'internal error\n'],
])('an error that is %s', (_name, error, status, body) => {
  const answer = answers.ofError('v1', error);
  expect([answer.status, text(answer.body)]).toEqual([status, body]);
  expect('Retry-After' in answer.headers).toBe(status === 429 || status === 503);
  expect(answer.headers['Connection']).toBe(status === 413 ? 'close' : undefined);
});

test('errors in 2.0 count nothing as written', () => {
  const { status, headers } = answers.ofError('v2', new SomeError('conflict'));
  expect([status, headers['X-Prometheus-Remote-Write-Samples-Written']]).toEqual([400, '0']);
});

test.each([
  [1, '1'],
  [1000, '1'],
  [1001, '2'],
  [59_500, '60'],
])('a wait of %d ms is told as %s s', (waitMs, seconds) => {
  const { headers } = answers.ofError('v1', new WriteLimitedError('slower', waitMs));
  expect(headers['Retry-After']).toBe(seconds);
});

test('clients that are turned away together come back apart', () => {
  const told = [0, 0.34, 0.67, 0.999, 1].map(
    (random) => new Answers(() => random).ofError('v1', new WriteNotReadyError()).headers['Retry-After'],
  );
  expect(told).toEqual(['1', '2', '3', '3', '3']);
});
