import { invariant } from '@gauntlet/base';
import { Peer, type PeerSettings } from './peer.js';
import type { PeerTransport } from './peer-transport.js';

/** The peers of the hashrings in use, one for each address. */
export class Peers {
  readonly #transport: PeerTransport;
  readonly #settings: PeerSettings;
  readonly #peers = new Map<string, Peer>();

  constructor(transport: PeerTransport, settings: PeerSettings) {
    this.#transport = transport;
    this.#settings = settings;
  }

  get(address: string): Peer {
    const peer = this.#peers.get(address);
    invariant(peer, 'every endpoint of a hashring in use has a peer');
    return peer;
  }

  /** Resolves when every call has ended and every connection is closed. */
  async close(): Promise<void> {
    const peers = [...this.#peers.values()];
    this.#peers.clear();
    await Promise.all(peers.map((peer) => peer.closeWhenIdle()));
  }

  /** Connects what is new, lets go of what is no longer there, and gives those that stay a fresh start. */
  reconcile(addresses: ReadonlySet<string>): void {
    for (const [address, peer] of this.#peers) {
      if (addresses.has(address)) {
        peer.clearBackoff();
      } else {
        this.#peers.delete(address);
        void peer.closeWhenIdle();
      }
    }
    for (const address of addresses) {
      if (!this.#peers.has(address))
        this.#peers.set(address, new Peer(address, this.#transport.connect(address), this.#settings));
    }
  }
}
