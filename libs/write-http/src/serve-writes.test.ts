import { MiB } from '@gauntlet/base';
import { until } from '@gauntlet/base/testing';
import { createIntake } from '@gauntlet/kernel';
import { createServer, type AddressInfo } from 'node:net';
import { Admission, serveWrites, statusWithoutSeries, writeListenerDefaults, type WriteServer } from './index.js';
import { FakeTarget } from './testing/fake-target.js';
import { oneSeries, send } from './testing/run-listener.js';

/** A target that keeps its answers back. */
async function serve(listen: { host?: string; port: number } = { host: '127.0.0.1', port: 0 }) {
  const target = new FakeTarget();
  const waiting: (() => void)[] = [];
  target.answer = (stored) => new Promise((resolve) => waiting.push(() => resolve(stored)));
  const admission = new Admission(writeListenerDefaults);
  const server: WriteServer = await serveWrites({
    listen,
    target,
    admission,
    intake: createIntake({ messageBytesMax: 4 * MiB }),
    status: statusWithoutSeries(target),
  });
  return { server, admission, waiting };
}

test('an address that is taken is told in the words that operators know', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  await expect(serve({ host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: `error starting web server: listen tcp 127.0.0.1:${port}: bind: address already in use`,
  });
  await new Promise((resolve) => taken.close(resolve));
});

test('an empty host means every interface', async () => {
  const { server } = await serve({ host: '', port: 0 });
  expect(server.address.host).toBe('::');
  await server.stop(0);
});

test('a stop answers what is under way before what comes after it, and admits nothing more', async () => {
  const { server, admission, waiting } = await serve();
  const underWay = send(server.address.port, { body: oneSeries });
  await until(() => waiting.length === 1);
  const done: string[] = [];
  const stopped = server.stop(60_000, async () => void done.push('after')).then(() => done.push('stopped'));
  await expect(send(server.address.port, { body: oneSeries })).rejects.toThrow();
  // It is admitted for as long as connections linger.
  await until(() => {
    try {
      admission.open().release();
      return false;
    } catch {
      return true;
    }
  });
  expect(done).toEqual([]);
  waiting[0]!();
  expect((await underWay).status).toBe(200);
  await stopped;
  expect(done).toEqual(['after', 'stopped']);
});

test('a stop breaks off what the grace period does not suffice for, and waits for nothing then', async () => {
  const { server, waiting } = await serve();
  const underWay = send(server.address.port, { body: oneSeries });
  await until(() => waiting.length === 1);
  const isAfter = jest.fn(() => Promise.resolve());
  await Promise.all([server.stop(10, isAfter), expect(underWay).rejects.toThrow()]);
  expect(isAfter).not.toHaveBeenCalled();
  waiting[0]!();
});
