import { join } from 'node:path';
import { bundleApp, type BundledApp } from '@gauntlet/base/testing';

let app: BundledApp;
beforeAll(() => {
  app = bundleApp(join(__dirname, 'main.ts'));
});
afterAll(() => app.remove());

test('--help lists the flags with their defaults', () => {
  const { status, stdout } = app.run('--help');
  expect(status).toBe(0);
  expect(stdout).toContain('--grpc-address=0.0.0.0:10901');
  expect(stdout).toContain('--http-address=0.0.0.0:10902');
});

test.each([
  [['--no-such-flag=1'], 1, "router: error: unknown long flag '--no-such-flag'"],
  [['--http-grace-period=abc'], 2, 'not a valid duration string: "abc"'],
  [[], 1, 'no external labels configured'],
])('a wrong start %j ends with %d and one line', (args, code, text) => {
  const { status, stderr } = app.run(...args);
  expect(status).toBe(code);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toContain(text);
});
