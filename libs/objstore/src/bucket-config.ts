import { OperationalError } from '@gauntlet/base';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { type S3Config, s3ConfigFrom, s3Keys } from './s3-config.js';

/** What to open, checked. Holds secrets when it is S3: never log it. */
export type BucketConfig =
  | { readonly type: 'FILESYSTEM'; readonly prefix: string; readonly directory: string }
  | { readonly type: 'S3'; readonly prefix: string; readonly s3: S3Config };

/** The document is wrong. Messages are Thanos' where it has one, name the key at fault, and never show a value that may be secret. */
export class BucketConfigError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'BUCKET_CONFIG_INVALID';
}

const documentKeys = z.strictObject({
  type: z.string().default(''),
  config: z.unknown().optional(),
  prefix: z.string().default(''),
});
const filesystemKeys = z.object({ directory: z.string().default('') });

/**
 * Reads the document of `--objstore.config` (spec/objstore.md 1, 3; spec/store-gateway.md 2.2). Strict at the top and for S3,
 * lenient for FILESYSTEM, as in Thanos. Environment variables have been expanded before.
 */
export function parseBucketConfig(yamlText: string): BucketConfig {
  const { type, config, prefix } = check(documentKeys, parseYaml(yamlText), 'parsing config YAML file');
  const provider = type.toUpperCase();
  switch (provider) {
    case 'FILESYSTEM': {
      const { directory } = check(filesystemKeys, config, 'create FILESYSTEM client: parsing config');
      if (directory === '')
        throw new BucketConfigError('create FILESYSTEM client: missing directory for filesystem bucket');
      return { type: provider, prefix, directory };
    }
    case 'S3': {
      const s3 = s3ConfigFrom(check(s3Keys, config, 'create S3 client: parsing s3 config'));
      if (typeof s3 === 'string') throw new BucketConfigError(`create S3 client: ${s3}`);
      return { type: provider, prefix, s3 };
    }
    default:
      throw new BucketConfigError(`bucket with type ${provider} is not supported`);
  }
}

/** All scalars stay text: the keys know their types, and a secret of digits must not become a number. */
function parseYaml(text: string): unknown {
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: true });
  const fault = document.errors[0];
  if (fault !== undefined) {
    // The parser's own message quotes the line, which may hold a secret.
    const line = fault.linePos?.[0].line ?? 1;
    const unclosed = fault.code === 'BAD_INDENT' || fault.code === 'MISSING_CHAR';
    throw new BucketConfigError(
      `parsing config YAML file: yaml: line ${line}: ${unclosed ? 'did not find expected node content' : fault.code.toLowerCase().replaceAll('_', ' ')}`,
    );
  }
  try {
    return document.toJS() as unknown;
  } catch {
    throw new BucketConfigError('parsing config YAML file: yaml: an alias is unknown or expands too far');
  }
}

function check<T extends z.ZodType>(keys: T, value: unknown, doing: string): z.output<T> {
  const result = keys.safeParse(value === undefined || value === null || value === '' ? {} : dropNulls(value));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys')
    throw new BucketConfigError(`${doing}: field ${[...path, issue.keys[0]].join('.')} not found`);
  const fault = issue?.code === 'invalid_type' ? `must be a ${issue.expected}` : (issue?.message ?? 'is wrong');
  throw new BucketConfigError(`${doing}: ${path.length === 0 ? 'document' : `field ${path.join('.')}`} ${fault}`);
}

/** A key without a value means its default. */
function dropNulls(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([, member]) => member !== null && member !== '' && member !== '~' && member !== 'null',
  );
  return Object.fromEntries(entries.map(([key, member]) => [key, dropNulls(member)]));
}
