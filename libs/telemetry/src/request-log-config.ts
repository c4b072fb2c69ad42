import { OperationalError } from '@gauntlet/base';
import { parseDocument } from 'yaml';
import { z } from 'zod';

/** Levels of lines that are let through, from all to the fewest. */
export const requestLogLevels = ['DEBUG', 'INFO', 'WARNING', 'ERROR'] as const;
export type RequestLogLevel = (typeof requestLogLevels)[number];

/** What is logged of the requests of a protocol. */
export interface ProtocolLogging<Target> {
  readonly level: RequestLogLevel;
  readonly logsStart: boolean;
  readonly logsEnd: boolean;
  /** The only requests that are logged; all if there are none. */
  readonly only: readonly Target[];
}

/** What `--request.logging-config` says. What it does not say is not logged. */
export interface RequestLogConfig {
  readonly http: ProtocolLogging<{
    readonly path: string;
    /** Undefined for any. */ readonly port: number | undefined;
  }>;
  readonly grpc: ProtocolLogging<{ readonly service: string; readonly method: string }>;
}

/** A document that cannot be used; the messages are Thanos' where it has one, and name the key otherwise. */
export class RequestLogConfigError extends OperationalError {
  readonly kind = 'rejected';
  readonly code = 'REQUEST_LOG_CONFIG_INVALID';
  constructor(what: string) {
    super(`error while parsing config for request logging: ${what}`);
  }
}

const flag = z
  .enum(['true', 'false', 'yes', 'no', 'on', 'off'])
  .default('false')
  .transform((text) => ['true', 'yes', 'on'].includes(text));
const options = z
  .strictObject({
    level: z.string().default(''),
    decision: z.strictObject({ log_start: flag, log_end: flag }).prefault({}),
  })
  .prefault({});
const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port')
  .transform(Number)
  .optional();
const httpTarget = z.strictObject({ path: z.string().default(''), port });
const grpcTarget = z.strictObject({ service: z.string().default(''), method: z.string().default('') });
const documentKeys = z
  .strictObject({
    http: z.strictObject({ options, config: z.array(httpTarget).default([]) }).prefault({}),
    grpc: z.strictObject({ options, config: z.array(grpcTarget).default([]) }).prefault({}),
    options,
  })
  .prefault({});

type Options = z.output<typeof options>;

/** Reads the YAML of `--request.logging-config`, which is strict. Throws `RequestLogConfigError`. */
export function parseRequestLogConfig(text: string): RequestLogConfig {
  const document = parseDocument(text, { schema: 'failsafe' });
  const fault = document.errors[0];
  if (fault) {
    const unclosed = fault.code === 'BAD_INDENT' || fault.code === 'MISSING_CHAR';
    const what = unclosed ? 'did not find expected node content' : fault.code.toLowerCase().replaceAll('_', ' ');
    throw new RequestLogConfigError(`yaml: line ${fault.linePos?.[0].line ?? 1}: ${what}`);
  }
  const result = documentKeys.safeParse(withoutNulls(valueOf(document)));
  if (!result.success) throw new RequestLogConfigError(describe(result.error));
  const { http, grpc, options: shared } = result.data;
  return {
    http: {
      ...choose(shared, http.options),
      only: http.config.map((target) => ({ path: target.path, port: target.port })),
    },
    grpc: { ...choose(shared, grpc.options), only: grpc.config },
  };
}

function valueOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    throw new RequestLogConfigError('yaml: an alias is unknown or expands too far');
  }
}

/** A protocol's own options take the place of the shared ones, unless they say nothing. */
function choose(shared: Options, own: Options): Omit<ProtocolLogging<never>, 'only'> {
  const [checkedShared, checkedOwn] = [check(shared), check(own)];
  return checkedOwn ?? checkedShared ?? { level: 'ERROR', logsStart: false, logsEnd: false };
}

function check({ level: text, decision }: Options): Omit<ProtocolLogging<never>, 'only'> | undefined {
  const { log_start: logsStart, log_end: logsEnd } = decision;
  if (text === '' && !logsStart && !logsEnd) return undefined;
  if (text === '') throw new RequestLogConfigError('level field is empty');
  const level = requestLogLevels.find((known) => known === text);
  if (level === undefined) {
    throw new RequestLogConfigError(
      `the format of level is invalid. Expected INFO/DEBUG/ERROR/WARNING, got this ${text}`,
    );
  }
  if (logsStart && !logsEnd) throw new RequestLogConfigError('log start call is not supported without log end call');
  return { level, logsStart, logsEnd };
}

function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') return `field ${[...path, issue.keys[0]].join('.')} not found`;
  return `${path.length === 0 ? 'document' : path.join('.')}: ${issue?.message ?? 'is wrong'}`;
}

/** A key without a value means its default. */
function withoutNulls(value: unknown): unknown {
  if (value === null || value === '') return undefined;
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      const kept = withoutNulls(member);
      return kept === undefined ? [] : [[key, kept] as const];
    }),
  );
}
