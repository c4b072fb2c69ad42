import type { Vfs } from './vfs.js';

const endingOfSetAside = /\.damaged(-\d+)?$/;

/**
 * A name beside `name` for what cannot be read: `<name>.damaged`, or `.damaged-2` and so on when that is taken. No reader takes such a name for
 * one of its own, and nobody but a person deletes what bears it.
 */
export async function freeNameAside(vfs: Pick<Vfs, 'stat'>, dir: string, name: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const aside = `${name}.damaged${count === 1 ? '' : `-${count}`}`;
    if ((await vfs.stat(`${dir}/${aside}`)) === undefined) return aside;
  }
}

/** Whether the name is one of those. */
export function isSetAside(name: string): boolean {
  return endingOfSetAside.test(name);
}
