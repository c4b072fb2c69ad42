import { OperationalError } from '@gauntlet/base';

/** A block cannot be shipped for a reason in its own directory or in our configuration. */
export class ShipError extends OperationalError {
  readonly kind: 'corrupt' | 'rejected';
  readonly code: 'BLOCK_META_UNREADABLE' | 'EXTERNAL_LABELS_EMPTY';
  /** Its id. */
  readonly block: string;

  constructor(code: ShipError['code'], block: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.block = block;
    this.kind = code === 'EXTERNAL_LABELS_EMPTY' ? 'rejected' : 'corrupt';
  }
}
