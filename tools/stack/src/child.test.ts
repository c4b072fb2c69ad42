import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@gauntlet/base/testing';
import { Child } from './child.js';
import { OrphanGuard } from './orphan-guard.js';

let dir: string;
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'gauntlet-child-'))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

test('what a child prints is kept, and how it ends is told', async () => {
  const child = new Child({
    name: 'talker',
    command: '/bin/sh',
    args: ['-c', 'echo one; echo two >&2; exit 3'],
    logFile: join(dir, 'talker.log'),
  });
  expect(await child.ended).toEqual({ code: 3, signal: null });
  expect(child.lastLogLines(1)).toBe('two');
});

test('a command that is not there ends at once', async () => {
  const child = new Child({ name: 'nobody', command: join(dir, 'nobody'), args: [], logFile: join(dir, 'nobody.log') });
  expect(await child.ended).toEqual({ code: 127, signal: null });
});

test('a child that does not listen is ended after its grace, with what it started itself', async () => {
  const logFile = join(dir, 'deaf.log');
  const child = new Child({
    name: 'deaf',
    command: '/bin/sh',
    args: ['-c', "trap '' TERM; sleep 60 & echo $!; wait; sleep 60"],
    logFile,
  });
  await until(() => child.lastLogLines(1) !== '');
  expect(await child.stop({ graceMs: 200 })).toEqual({ code: null, signal: 'SIGKILL' });
  const grandchild = Number(child.lastLogLines(1));
  await until(() => !alive(grandchild));
});

(process.platform === 'linux' ? test : test.skip)(
  'when the parent is killed, the guard ends its children, but none that was forgotten',
  async () => {
    // The guard's own shell stands for the parent here: its pipe is what a parent's death closes.
    const kept = spawn('/bin/sleep', ['60'], { detached: true, stdio: 'ignore' });
    const spared = spawn('/bin/sleep', ['60'], { detached: true, stdio: 'ignore' });
    try {
      const guard = new OrphanGuard('KILL');
      guard.watch(kept.pid as number);
      guard.watch(spared.pid as number);
      guard.forget(spared.pid as number);
      guard.close();
      await until(() => !alive(kept.pid as number));
      expect(alive(spared.pid as number)).toBe(true);
    } finally {
      kept.kill('SIGKILL');
      spared.kill('SIGKILL');
    }
  },
);
