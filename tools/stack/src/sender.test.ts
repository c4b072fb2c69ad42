import { parseDisks, parseNetworkDevices, readMachineMetrics } from './machine-metrics.js';
import { seriesOf } from './sender.js';
import { planStack } from './stack-plan.js';
import { parseStackArguments } from './stack-arguments.js';

test('a scraped sample gets job and instance, its labels are sorted and empty ones are dropped', () => {
  const page = [{ name: 'x_total', labels: { zone: 'a', Aa: 'b', none: '' }, value: 3 }];
  expect(seriesOf({ job: 'router', instance: 'h:1' }, page, 5)[1]).toEqual({
    labels: [
      ['Aa', 'b'],
      ['__name__', 'x_total'],
      ['instance', 'h:1'],
      ['job', 'router'],
      ['zone', 'a'],
    ],
    samples: [{ timestampMs: 5, value: 3 }],
  });
});

test('a target that does not answer is down, and that is all that is known of it', () => {
  expect(seriesOf({ job: 'j', instance: 'i' }, undefined, 5)).toMatchObject([{ samples: [{ value: 0 }] }]);
});

test('network and disk counters are read by position', () => {
  expect(parseNetworkDevices('Inter-|\n face |bytes\n  eth0: 11 12 0 0 0 0 0 0 21 22 0 0 0 0 0 0\n')).toMatchObject([
    { value: 11 },
    { value: 12 },
    { value: 21 },
    { value: 22, labels: { device: 'eth0' } },
  ]);
  expect(parseDisks('   8  0 sda 5 0 2 0 7 0 4 0 0 0 0\n   7 0 loop0 1 0 1 0 1 0 1 0 0 0 0\n')).toMatchObject([
    { value: 5 },
    { value: 1024 },
    { value: 7 },
    { value: 2048 },
  ]);
});

test('the machine always tells its memory and processors', () => {
  const names = readMachineMetrics().map(({ name }) => name);
  expect(names).toContain('node_memory_MemTotal_bytes');
  expect(names).toContain('node_cpu_seconds_total');
});

test('the router has its usual ports, ingesters follow in tens, and an offset moves all of them', () => {
  const ports = (portOffset: number): number[] =>
    planStack({ dataDir: '/d', portOffset }).members.flatMap((member) => member.ports.map(({ port }) => port));
  expect(ports(0)).toEqual([10911, 10912, 10913, 10921, 10922, 10923, 10931, 10932, 10933, 19291, 10901, 10902]);
  expect(ports(1000)).toEqual(ports(0).map((port) => port + 1000));
});

test.each([
  [['--port-offset=x'], '--port-offset=x'],
  [['--nope'], '--nope'],
  [['--data-dir='], '--data-dir'],
])('%j is refused in one line that names it', (args, named) => {
  expect(() => parseStackArguments(args, '/checkout')).toThrow(named);
});

test('data lies in the checkout unless another folder is named', () => {
  expect(parseStackArguments([], '/checkout')).toEqual({ dataDir: '/checkout/.gauntlet', portOffset: 0 });
  expect(parseStackArguments(['--data-dir', '/else', '--port-offset=10'], '/checkout')).toEqual({
    dataDir: '/else',
    portOffset: 10,
  });
});
