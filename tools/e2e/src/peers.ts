import { join, resolve } from 'node:path';
import { findPeer } from '@gauntlet/base/testing';

export const checkoutDir = resolve(__dirname, '../../..');

/** Who plays the router and the ingester: our apps, or the real one, to try the tests themselves on. */
export type Maker = 'gauntlet' | 'thanos';
export const subject: Maker = process.env['GAUNTLET_E2E_SUBJECT'] === 'thanos' ? 'thanos' : 'gauntlet';

/** Command and first arguments of a router or an ingester. */
export function receiveCommand(maker: Maker, role: 'router' | 'ingester'): readonly [string, ...string[]] {
  if (maker === 'thanos') return [findPeer('thanos') ?? 'thanos', 'receive'];
  return [process.execPath, '--enable-source-maps', join(checkoutDir, 'dist/apps', role, 'main.js')];
}
