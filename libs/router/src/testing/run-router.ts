import { startRouter, type RouterConfig, type RunningRouter } from '../index.js';
import { FakePeers } from './fake-peers.js';
import { writeBody } from './write-request.js';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** A router in front of fake peers, on a free port. */
export async function runRouter(
  config: Partial<RouterConfig> = {},
  peers = new FakePeers(),
): Promise<{ router: RunningRouter; peers: FakePeers; url: string }> {
  const router = await startRouter({
    listen: { host: '127.0.0.1', port: 0 },
    hashrings: { content: JSON.stringify([{ endpoints: ['a:1', 'b:1', 'c:1'] }]) },
    algorithm: 'ketama',
    replicationFactor: 3,
    transport: peers,
    ...config,
  });
  return { router, peers, url: `http://127.0.0.1:${router.httpAddress.port}/api/v1/receive` };
}

/** Senders of 1.0 name it. */
const version1 = { 'X-Prometheus-Remote-Write-Version': '0.1.0' };

export async function post(url: string, body: Uint8Array, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body: Buffer.from(body), headers: { ...version1, ...headers } });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

export const manySeries = Array.from({ length: 60 }, (_, i) => ({ __name__: 'up', instance: `host-${i}` }));
export const oneSeries = writeBody([{ __name__: 'up' }]);
