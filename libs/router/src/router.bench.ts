import { systemClock, MiB } from '@gauntlet/base';
import { createIntake } from '@gauntlet/kernel';
import { buildHashrings, parseHashrings } from '@gauntlet/ring';
import { silentObserver } from './observer.js';
import { Peers } from './peers.js';
import { Router } from './router.js';
import { writeBody } from './testing/write-request.js';

// From a body to the messages of its peers, without HTTP and gRPC: 2,000 series of 14 labels, three endpoints.
// A 2-core machine, Node 20, samples per CPU second: replication factor 1 0.8 M; 3 0.7 M, and 0.36 M
// when each message was gathered and compressed by itself.
const seriesCount = 2000;
const rounds = 300;
const labelsOf = (i: number): Record<string, string> => ({
  __name__: `http_requests_total_${i % 50}`,
  ...Object.fromEntries(
    Array.from({ length: 13 }, (_, l) => [
      `label_${String(l).padStart(2, '0')}`,
      `value-${l}-${(i * 7919 + l * 31) % 1000}-abcdef`,
    ]),
  ),
});

async function measure(replicationFactor: number): Promise<void> {
  const body = writeBody(Array.from({ length: seriesCount }, (_, i) => labelsOf(i)));
  const transport = {
    connect: () => ({
      remoteWrite: () => Promise.resolve([]),
      reconnected: () => Promise.resolve(false),
      close: () => {},
    }),
  };
  const settings = {
    workers: 5,
    compressed: true,
    backoffMsMax: 5000,
    clock: systemClock,
    random: Math.random,
    observer: silentObserver,
  };
  const intake = createIntake({ messageBytesMax: 64 * MiB });
  const router = new Router({
    intake,
    peers: new Peers(transport, settings),
    clock: systemClock,
    replicationFactor,
    forwardTimeoutMs: 5000,
    compressed: true,
  });
  router.apply(
    buildHashrings(parseHashrings('[{"endpoints":["a:1","b:1","c:1"]}]'), { algorithm: 'ketama', replicationFactor }),
  );
  for (const run of ['warm-up', 'measured']) {
    const start = process.cpuUsage();
    for (let i = 0; i < rounds; i += 1)
      await router.write({
        scan: () => intake.scan(body, 'snappy-block', { kind: 'prometheus', tenant: 'team' }),
        release: () => {},
        tellsLostExemplars: false,
      });
    const { user, system } = process.cpuUsage(start);
    console.log(
      `${run}: replication factor ${replicationFactor}, ${Math.round((rounds * seriesCount) / (user + system) / 0.01) / 100} M samples per CPU second`,
    );
  }
}

void measure(1).then(() => measure(3));
