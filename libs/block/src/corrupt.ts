import { OperationalError } from '@gauntlet/base';

/** Which part of a block is damaged. */
export type BlockPart = 'META' | 'INDEX' | 'CHUNK' | 'TOMBSTONES';

/** Stored bytes are not what a block's format allows. */
export class BlockCorruptError extends OperationalError {
  readonly kind = 'corrupt';
  readonly code: `BLOCK_${BlockPart}_CORRUPT`;
  readonly file: string;
  /** Byte at which reading stopped; beyond the end of the file when something in it points there. */
  readonly offset: number;

  constructor(
    part: BlockPart,
    at: { readonly file: string; readonly offset: number },
    found: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot read ${at.file} at byte ${at.offset}: ${found}`, options);
    this.code = `BLOCK_${part}_CORRUPT`;
    this.file = at.file;
    this.offset = at.offset;
  }
}
