import { MiB } from '@gauntlet/base';
import { createIntake, readGroup, readRow } from '@gauntlet/kernel';
import type { Rejection } from '@gauntlet/remote-write';
import type { PeerTransport, RemoteWriteOptions } from '../peer-transport.js';

/** A call as a peer saw it. */
export interface SeenCall {
  readonly address: string;
  readonly tenant: string;
  readonly replica: number;
  readonly series: string[];
  readonly compressed: boolean;
}

export type Behaviour = (call: SeenCall, options: RemoteWriteOptions) => Promise<readonly Rejection[]>;

export class FakeStatus extends Error {
  readonly grpcCode: number;
  constructor(grpcCode: number, text: string) {
    super(`rpc error: ${text}`);
    this.grpcCode = grpcCode;
  }
}

export const stores: Behaviour = () => Promise.resolve([]);
/** Stores all but these, and says so. */
export const refuses =
  (...rejections: Rejection[]): Behaviour =>
  () =>
    Promise.resolve(rejections);
export const conflicts: Behaviour = ({ address }) =>
  Promise.reject(new FakeStatus(6, `code = AlreadyExists desc = ${address} has newer samples`));
export const isDown: Behaviour = () =>
  Promise.reject(new FakeStatus(14, 'code = Unavailable desc = connection refused'));
export const isBroken: Behaviour = () => Promise.reject(new FakeStatus(13, 'code = Internal desc = disk full'));
/** Answers nothing until the caller gives up. */
export const hangs: Behaviour = (_call, { signal }) =>
  new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(new FakeStatus(1, 'code = Canceled desc = cancelled'))),
  );

/** Peers that do as they are told, and remember what they were sent. */
export class FakePeers implements PeerTransport {
  readonly calls: SeenCall[] = [];
  readonly open = new Set<string>();
  readonly behaviours = new Map<string, Behaviour>();

  connect(address: string): ReturnType<PeerTransport['connect']> {
    this.open.add(address);
    return {
      remoteWrite: async (message, options) => {
        const call = { address, compressed: options.compressed, ...read(message, options.compressed) };
        this.calls.push(call);
        return (this.behaviours.get(address) ?? stores)(call, options);
      },
      reconnected: () => Promise.resolve(false),
      close: () => this.open.delete(address),
    };
  }

  /** The addresses that were sent a series, by replica. */
  ownersOf(series: string): string[] {
    const owners: string[] = [];
    for (const call of this.calls) if (call.series.includes(series)) owners[call.replica - 1] = call.address;
    return owners;
  }
}

function read(message: Buffer, compressed: boolean): { tenant: string; replica: number; series: string[] } {
  const batch = reader.scan(message, compressed ? 'snappy-framed' : 'identity', { kind: 'thanos' });
  const series = Array.from({ length: batch.rowCount }, (_, row) =>
    readRow(batch, row)
      .labels.map((pair) => pair.join('='))
      .join(','),
  );
  return { tenant: readGroup(batch, 0).tenant.toString(), replica: batch.replica, series };
}

const reader = createIntake({ messageBytesMax: MiB });
