import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Real programs that our processes are tried with. */
export type Peer = 'prometheus' | 'promtool' | 'thanos' | 'minio';

/** Looks in `PEERS_DIR`, then in `PATH`. */
export function findPeer(peer: Peer): string | undefined {
  const folders = [process.env['PEERS_DIR'], ...(process.env['PATH'] ?? '').split(delimiter)].filter((folder) => folder !== undefined && folder !== '');
  return folders.map((folder) => resolve(folder as string, peer)).find(isExecutable);
}

/** With `GAUNTLET_REQUIRE_PEERS=1` a peer that is not there fails the test instead of skipping it. */
export const peersRequired = process.env['GAUNTLET_REQUIRE_PEERS'] === '1';

export const checkoutDir = resolve(__dirname, '../../..');

/** Who plays the router and the ingester: our apps, or the real one, to try the tests themselves on. */
export type Maker = 'gauntlet' | 'thanos';
export const subject: Maker = process.env['GAUNTLET_E2E_SUBJECT'] === 'thanos' ? 'thanos' : 'gauntlet';

/** Command and first arguments of a router or an ingester. */
export function receiveCommand(maker: Maker, role: 'router' | 'ingester'): readonly [string, ...string[]] {
  if (maker === 'thanos') return [findPeer('thanos') ?? 'thanos', 'receive'];
  return [process.execPath, '--enable-source-maps', join(checkoutDir, 'dist/apps', role, 'main.js')];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
