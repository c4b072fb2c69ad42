import { readFileSync } from 'node:fs';
import { ConfigError } from './external-labels.js';
import { type ParsedFlags } from './flags.js';

/** A document and where it came from, as messages name it: `--X` or `--X-file=<path>`. */
export interface ConfigContent {
  readonly content: string;
  readonly source: string;
}

/**
 * The content of a pair of flags `--X-file=<path>` and `--X=<content>`, of which one may be given; undefined for
 * neither. `$(NAME)` becomes the environment variable of that name, which must be set. Throws `ConfigError`.
 */
export function configContent(
  flags: ParsedFlags,
  name: string,
  env: NodeJS.ProcessEnv = process.env,
): ConfigContent | undefined {
  const path = flags.text(`${name}-file`);
  const content = flags.text(name);
  if (path !== '' && content !== '') throw new ConfigError(`both ${name}-file and ${name} flags set.`);
  if (path === '') return content === '' ? undefined : { content: expandEnv(content, name, env), source: `--${name}` };
  try {
    return { content: expandEnv(readFileSync(path, 'utf8'), name, env), source: `--${name}-file=${path}` };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(
      `loading file ${path} for ${name}-file: open ${path}: ${fileProblem(error as NodeJS.ErrnoException)}`,
      { cause: error },
    );
  }
}

function expandEnv(content: string, flag: string, env: NodeJS.ProcessEnv): string {
  return content.replace(/\$\(([a-zA-Z_0-9]+)\)/g, (_all, name: string) => {
    const value = env[name];
    if (value === undefined)
      throw new ConfigError(
        `expand content of ${flag}: found reference to unset environment variable ${JSON.stringify(name)}`,
      );
    return value;
  });
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
};

function fileProblem(error: NodeJS.ErrnoException): string {
  return problems[error.code ?? ''] ?? error.message;
}
