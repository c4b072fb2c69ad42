import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { minuteMs, secondMs } from '@gauntlet/base';
import { IamAwsProvider } from 'minio';

type Credentials = Awaited<ReturnType<IamAwsProvider['getCredentials']>>;

const metadataMsMax = 10 * secondMs;
const rereadMs = 5 * minuteMs;

/** Thanos' chain when the document has no keys: environment, shared credentials file, then the machine's or pod's role. */
export class AwsCredentialChain extends IamAwsProvider {
  readonly #environment: NodeJS.ProcessEnv;
  #file: { readonly readMs: number; readonly credentials: Credentials | undefined } | undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    super({});
    this.#environment = environment;
  }

  override async getCredentials(): Promise<Credentials> {
    return (
      fromEnvironment(this.#environment) ??
      (await this.#fromFile()) ??
      (await withinMs(metadataMsMax, super.getCredentials()))
    );
  }

  async #fromFile(): Promise<Credentials | undefined> {
    const nowMs = performance.now();
    if (this.#file === undefined || nowMs - this.#file.readMs > rereadMs)
      this.#file = { readMs: nowMs, credentials: await fromFile(this.#environment) };
    return this.#file.credentials;
  }
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Credentials | undefined {
  const accessKey = environment['AWS_ACCESS_KEY_ID'] ?? environment['AWS_ACCESS_KEY'];
  const secretKey = environment['AWS_SECRET_ACCESS_KEY'] ?? environment['AWS_SECRET_KEY'];
  return credentialsOf(accessKey, secretKey, environment['AWS_SESSION_TOKEN']);
}

async function fromFile(environment: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  const path = environment['AWS_SHARED_CREDENTIALS_FILE'] ?? join(homedir(), '.aws', 'credentials');
  const profile = environment['AWS_PROFILE'] ?? 'default';
  const text = await readFile(path, 'utf8').catch(() => '');
  const values = new Map<string, string>();
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    section = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1] ?? section;
    const [, key, value] = /^\s*(aws_\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section === profile && key !== undefined && value !== undefined) values.set(key, value);
  }
  return credentialsOf(
    values.get('aws_access_key_id'),
    values.get('aws_secret_access_key'),
    values.get('aws_session_token'),
  );
}

function credentialsOf(
  accessKey: string | undefined,
  secretKey: string | undefined,
  sessionToken: string | undefined,
): Credentials | undefined {
  if (!accessKey || !secretKey) return undefined;
  // The client exports no way to make one, and reads it through these three alone.
  const credentials = {
    getAccessKey: () => accessKey,
    getSecretKey: () => secretKey,
    getSessionToken: () => sessionToken || undefined,
  };
  return credentials as unknown as Credentials;
}

async function withinMs<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the credentials service gave no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
