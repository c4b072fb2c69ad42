/**
 * How bad a finding is (spec/tsdb.md section 8): `E`, real readers fail or return wrong data; `W`, it is tolerated but somebody's
 * bug; `info`, nothing is wrong.
 */
export type Severity = 'E' | 'W' | 'info';

/** A row of the table in spec/tsdb.md section 8, or the part of a directory that the table does not number. */
export type InvariantId = number | 'wal' | 'wbl' | 'journal' | 'chunks_head' | 'directory' | 'thanos';

export interface Finding {
  readonly severity: Severity;
  readonly invariant: InvariantId;
  /** Below the directory that is verified. */
  readonly file: string;
  /** Byte of the file. */
  readonly offset?: number;
  readonly found: string;
}

/** Takes findings for one directory, and names files from where the verification started. */
export class Reporter {
  readonly #onFinding: (finding: Finding) => void;
  readonly #prefix: string;

  constructor(onFinding: (finding: Finding) => void, prefix = '') {
    this.#onFinding = onFinding;
    this.#prefix = prefix;
  }

  /** A reporter for a directory below. */
  below(name: string): Reporter {
    return new Reporter(this.#onFinding, this.#path(name));
  }

  error(invariant: InvariantId, at: Place, found: string): void {
    this.#report('E', invariant, at, found);
  }

  warning(invariant: InvariantId, at: Place, found: string): void {
    this.#report('W', invariant, at, found);
  }

  info(invariant: InvariantId, at: Place, found: string): void {
    this.#report('info', invariant, at, found);
  }

  #report(severity: Severity, invariant: InvariantId, at: Place, found: string): void {
    const { file, offset } = typeof at === 'string' ? { file: at } : { ...at };
    this.#onFinding({
      severity,
      invariant,
      file: this.#path(file),
      ...(offset === undefined ? {} : { offset }),
      found,
    });
  }

  #path(name: string): string {
    return this.#prefix === '' ? name : name === '' ? this.#prefix : `${this.#prefix}/${name}`;
  }
}

/** A file, or a byte of it. */
export type Place = string | { readonly file: string; readonly offset?: number };

/** What a library found, without the file and byte that a finding names beside it. */
export function foundBy(error: Error): string {
  return error.message.replace(/^Cannot read .* at byte \d+: /, '');
}
