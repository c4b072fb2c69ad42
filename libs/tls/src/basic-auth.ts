import { createHmac, randomBytes } from 'node:crypto';
import { compare } from 'bcryptjs';

/** Whether somebody may come in; `busy` if too many wait to be told. */
export type Admission = 'ok' | 'refused' | 'busy';

/** Credentials that are remembered, so that a scrape costs no hashing. */
const rememberedMax = 100;
/** Comparisons that wait for their turn. */
const waitingMax = 32;
/** After a comparison the next one waits so many times as long as it took, so that wrong passwords cannot take the processor from writes. */
const restFactor = 4;

const bcryptHash = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

export function isBcryptHash(text: string): boolean {
  return bcryptHash.test(text);
}

/**
 * Compares passwords with their bcrypt hashes, one at a time.
 *
 * What was right is remembered as a keyed hash of user, hash and password: a changed hash is another entry, and memory holds no password.
 * What was wrong is not remembered. An unknown user costs as much as a known one, so that time does not tell who exists.
 */
export class BasicAuth {
  readonly #key = randomBytes(32);
  readonly #remembered = new Set<string>();
  readonly #compare: (password: string, hash: string) => Promise<boolean>;
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;

  /** @param comparePassword bcrypt, but for tests */
  constructor(comparePassword: (password: string, hash: string) => Promise<boolean> = compare) {
    this.#compare = comparePassword;
  }

  async check(header: string | undefined, users: ReadonlyMap<string, string>): Promise<Admission> {
    if (users.size === 0) return 'ok';
    const credentials = credentialsOf(header);
    if (!credentials) return 'refused';
    const { user, password } = credentials;
    const hash = users.get(user);
    const entry = this.#entryOf(user, hash ?? '', password);
    if (hash !== undefined && this.#remembered.has(entry)) return 'ok';
    if (this.#waiting >= waitingMax) return 'busy';
    const equal = await this.#inTurn(() => this.#compare(password, hash ?? decoyFor(users)));
    if (hash === undefined || !equal) return 'refused';
    this.#remember(entry);
    return 'ok';
  }

  #entryOf(user: string, hash: string, password: string): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([user, hash, password]))
      .digest('base64');
  }

  #remember(entry: string): void {
    if (this.#remembered.size >= rememberedMax) {
      const [oldest] = this.#remembered;
      if (oldest !== undefined) this.#remembered.delete(oldest);
    }
    this.#remembered.add(entry);
  }

  async #inTurn(work: () => Promise<boolean>): Promise<boolean> {
    this.#waiting += 1;
    const before = this.#turn;
    let done = (): void => {};
    this.#turn = new Promise((resolve) => (done = resolve));
    await before;
    const startMs = performance.now();
    try {
      return await work();
    } finally {
      this.#waiting -= 1;
      setTimeout(done, restFactor * (performance.now() - startMs)).unref();
    }
  }
}

/** A hash of nothing known that takes as long as the others do. */
function decoyFor(users: ReadonlyMap<string, string>): string {
  const costs = [...users.values()].map((hash) => bcryptHash.exec(hash)?.[1] ?? '10');
  return `$2b$${costs.sort().at(-1) ?? '10'}$${'.'.repeat(53)}`;
}

/** Reads `Basic <base64 of user:password>`. */
function credentialsOf(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^basic ([A-Za-z0-9+/]*={0,2})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
