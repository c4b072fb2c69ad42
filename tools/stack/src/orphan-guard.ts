import { spawn, type ChildProcess } from 'node:child_process';

/**
 * Ends children whose parent died without a word (SIGKILL, a crash, a closed laptop): a shell that holds one end of a pipe, is told which
 * process groups there are, and signals those that are left once the other end is gone. An exit handler alone would not run then.
 */
export class OrphanGuard {
  readonly #shell: ChildProcess;

  constructor(signal: 'TERM' | 'KILL') {
    // A group of its own: Ctrl-C in the terminal must not end the guard before the children.
    this.#shell = spawn('/bin/sh', ['-c', script, 'guard', signal], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#shell.on('error', () => undefined);
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.unref();
    (this.#shell.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  }

  watch(pid: number): void {
    this.#shell.stdin?.write(`+ ${pid}\n`);
  }

  /** A process that has ended must be forgotten, since its number may be given to another. */
  forget(pid: number): void {
    this.#shell.stdin?.write(`- ${pid}\n`);
  }

  /** What the parent's death does. */
  close(): void {
    this.#shell.stdin?.end();
  }
}

const script = `
trap '' INT HUP TERM
all=' '
while read -r sign pid; do
  case $sign in
    +) all="$all$pid " ;;
    -) rest=' '; for one in $all; do [ "$one" = "$pid" ] || rest="$rest$one "; done; all=$rest ;;
  esac
done
for one in $all; do kill -s "$1" -- "-$one" 2>/dev/null; done
`;
