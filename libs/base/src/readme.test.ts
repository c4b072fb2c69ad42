import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperationalError, invariant, joinReasons, messageOf, parseJson, toInt64 } from './index.js';

test('the example of the README works', () => {
  // <README>
  // The world's fault: says what the caller should do, has a stable name, and coordinates.
  class DiskFullError extends OperationalError {
    readonly kind = 'overloaded';
    readonly code = 'DISK_FULL';
    readonly path: string;
    constructor(path: string, options?: ErrorOptions) {
      super(`Cannot write ${path}: the disk is full`, options);
      this.path = path;
    }
  }
  // Our own fault: only the edge of the process catches it.
  const quotient = (a: number, b: number): number => {
    invariant(b !== 0, 'nobody divides by zero');
    return a / b;
  };
  const reasons = joinReasons([messageOf(new DiskFullError('/b')), messageOf(new DiskFullError('/a'))]);
  const numbers = parseJson('[1.0, 9007199254740993]'); // Numbers keep their text.
  const end = toInt64(Infinity);
  // </README>

  expect(reasons).toBe('2 errors: Cannot write /a: the disk is full; Cannot write /b: the disk is full');
  expect([quotient(6, 3), end]).toEqual([2, 2n ** 63n - 1n]);
  expect(() => quotient(1, 0)).toThrow('nobody divides by zero');
  expect(numbers).toEqual([{ text: '1.0' }, { text: '9007199254740993' }]);
  const own = readFileSync(__filename, 'utf8').split('// <README>\n')[1]?.split('  // </README>')[0] ?? '';
  expect(readFileSync(join(__dirname, '../README.md'), 'utf8')).toContain(own.replaceAll(/^ {2}/gm, ''));
});
