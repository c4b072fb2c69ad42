import { parseCpuSeconds, parseResidentBytes, readProcessUsage } from './process-usage.js';

test('CPU time is read behind the last bracket, since the process name may hold brackets and blanks', () => {
  expect(parseCpuSeconds('42 (a) b (c) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 100 0 0')).toBe(3);
});

test('resident memory is given in bytes, and is zero for a process that has ended', () => {
  expect(parseResidentBytes('Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n')).toBe(204_800);
  expect(parseResidentBytes('Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\n', 'VmHWM')).toBe(307_200);
  expect(parseResidentBytes('Name:\tx\nState:\tZ (zombie)\n')).toBe(0);
});

test('a process that does not exist has no usage', () => {
  expect(readProcessUsage(4_194_999)).toBeUndefined();
});
