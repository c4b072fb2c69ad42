import { spawn } from 'node:child_process';
import { ownProcess } from './process-identity.js';

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a process has one start for as long as it runs, and none afterwards', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const pid = child.pid!;
  const start = await ownProcess.startOf(pid);
  expect(start).toMatch(/^\S+ \d+$/);
  expect(await ownProcess.startOf(pid)).toBe(start);
  expect(await ownProcess.startOf(ownProcess.pid)).not.toBe(start);
  const ended = new Promise((resolve) => child.on('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  expect(await ownProcess.startOf(pid)).toBeUndefined();
});
