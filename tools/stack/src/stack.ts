import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from './child.js';
import { OrphanGuard } from './orphan-guard.js';
import { isPortFree } from './port.js';
import { Sender, type Target } from './sender.js';
import { planStack, welcomeText, type MemberPlan, type StackPlan } from './stack-plan.js';
import { type StackArguments } from './stack-arguments.js';
import { statusLine, takeReading, type Reading } from './status-line.js';
import { parseTextFormat, type ScrapedSample } from './text-format.js';

const readyMsMax = 120_000;
const stopMsMax = 180_000;
const sendEveryMs = 5000;

export interface StackOptions extends StackArguments {
  /** Command and first arguments of an app. */
  readonly command: (app: MemberPlan['app']) => readonly [string, ...string[]];
  readonly signal: AbortSignal;
}

/** Runs the stack until the signal or until a process of it ends; the returned number is the exit code. */
export async function runStack(options: StackOptions): Promise<number> {
  const plan = planStack(options);
  const busy = await findBusyPorts(plan);
  if (busy.length > 0) {
    for (const { port, use } of busy) console.error(`Cannot start: port ${port} (${use}) is busy`);
    console.error('Another stack may be running. To use other ports: npm run up -- --port-offset 1000');
    return 1;
  }
  for (const dir of plan.dirs) mkdirSync(dir, { recursive: true });
  return new Stack(plan, options).run();
}

class Stack {
  readonly #plan: StackPlan;
  readonly #signal: AbortSignal;
  readonly #command: StackOptions['command'];
  readonly #guard = new OrphanGuard('TERM');
  readonly #children: Child[] = [];

  constructor(plan: StackPlan, { signal, command }: StackOptions) {
    this.#plan = plan;
    this.#signal = signal;
    this.#command = command;
  }

  async run(): Promise<number> {
    const broken = await this.#startAll();
    if (broken) {
      report(broken);
      await this.#stopAll();
      return 1;
    }
    if (this.#signal.aborted) return this.#stopAll();
    console.log(`\n${welcomeText(this.#plan)}\n`);
    const over = new AbortController();
    const stopped = new Promise<undefined>((resolve) =>
      this.#signal.addEventListener('abort', () => resolve(undefined), { once: true }),
    );
    const work = Promise.all([this.#send(over.signal)]);
    const ended = await Promise.race([stopped, ...this.#children.map((child) => child.ended.then(() => child))]);
    over.abort();
    await work;
    if (ended) report(ended);
    const code = await this.#stopAll();
    return ended ? 1 : code;
  }

  /** The router comes last, so that its first write finds ingesters. Gives the child that ended before it was ready. */
  async #startAll(): Promise<Child | undefined> {
    for (const app of ['ingester', 'router'] as const) {
      const members = this.#plan.members.filter((member) => member.app === app);
      const children = members.map((member) => this.#start(member));
      const results = await Promise.all(members.map((member, k) => this.#untilReady(member, children[k] as Child)));
      const broken = results.find((result) => result !== undefined);
      if (broken || this.#signal.aborted) return broken;
    }
    return undefined;
  }

  #start({ name, app, flags }: MemberPlan): Child {
    const [command, ...first] = this.#command(app);
    const child = new Child({
      name,
      command,
      args: [...first, ...flags],
      logFile: join(this.#plan.logDir, `${name}.log`),
      guard: this.#guard,
    });
    this.#children.push(child);
    return child;
  }

  async #untilReady({ name, http }: MemberPlan, child: Child): Promise<Child | undefined> {
    for (const end = Date.now() + readyMsMax; Date.now() < end && !this.#signal.aborted; await sleep(100)) {
      if (child.ending) return child;
      const response = await fetch(`http://${http}/-/ready`, { signal: AbortSignal.timeout(2000) }).catch(
        () => undefined,
      );
      if (response?.ok) {
        console.log(`${name} is ready`);
        return undefined;
      }
    }
    return this.#signal.aborted ? undefined : child;
  }

  async #send(signal: AbortSignal): Promise<void> {
    const targets: Target[] = this.#plan.members.map(({ app, http }) => ({
      job: app,
      instance: http,
      url: `http://${http}/metrics`,
    }));
    const sender = new Sender(this.#plan.remoteWriteUrl, [...targets, { job: 'machine', instance: 'localhost' }]);
    const status = this.#showStatus(sender, signal);
    while (!signal.aborted) {
      await sender.sendOnce(signal);
      await sleep(sendEveryMs, undefined, { signal }).catch(() => undefined);
    }
    await status;
  }

  async #showStatus(sender: Sender, signal: AbortSignal): Promise<void> {
    const live = process.stdout.isTTY;
    let before: Reading | undefined;
    let shownFailure = '';
    while (!signal.aborted) {
      const now = await this.#read(sender, signal);
      if (signal.aborted) break;
      const line = statusLine(before, now);
      if (live) process.stdout.write(`\r\x1b[K${line.slice(0, process.stdout.columns - 1)}`);
      else if (before) console.log(line);
      if (sender.lastFailure !== shownFailure) {
        shownFailure = sender.lastFailure;
        console.log(`${live ? '\n' : ''}A write failed: ${shownFailure}`);
      }
      // Over the sender's own interval, so that rates do not jump between bursts.
      if (!before || now.atMs - before.atMs >= sendEveryMs) before = now;
      await sleep(live ? sendEveryMs : 10_000, undefined, { signal }).catch(() => undefined);
    }
    if (live) process.stdout.write('\n');
  }

  async #read(sender: Sender, signal: AbortSignal): Promise<Reading> {
    const pages = await Promise.all(this.#plan.members.map(({ http }) => readPage(`http://${http}/metrics`, signal)));
    const of = (app: MemberPlan['app']): ScrapedSample[][] =>
      pages.filter((_, k) => this.#plan.members[k]?.app === app);
    return takeReading({
      router: of('router')[0] ?? [],
      ingesters: of('ingester'),
      sendFailures: sender.failures,
      atMs: Date.now(),
    });
  }

  /** The router first: it still hands on what it has taken. Then the ingesters flush and upload. */
  async #stopAll(): Promise<number> {
    let clean = true;
    for (const app of ['router', 'ingester'] as const) {
      const running = this.#children.filter((child) => child.name.startsWith(app) && !child.ending);
      if (running.length === 0) continue;
      console.log(app === 'router' ? 'Stopping the router ...' : 'Stopping the ingesters: they flush and upload ...');
      await Promise.all(
        running.map(async (child) => {
          const startedAt = Date.now();
          const { code, signal } = await child.stop({ graceMs: stopMsMax });
          clean &&= code === 0;
          console.log(
            code === 0
              ? `${child.name} has ended after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`
              : `${child.name} ended with ${signal ?? code}:\n${child.lastLogLines(10)}`,
          );
        }),
      );
    }
    return clean ? 0 : 1;
  }
}

function report(child: Child): void {
  const how = child.ending
    ? `has ended with ${child.ending.signal ?? child.ending.code}`
    : `was not ready within ${readyMsMax / 1000} s`;
  console.error(`\n${child.name} ${how}; its last lines (${child.logFile}):\n${child.lastLogLines(15)}\n`);
}

async function findBusyPorts({ members }: StackPlan): Promise<{ port: number; use: string }[]> {
  const uses = members.flatMap(({ ports }) => ports);
  const free = await Promise.all(uses.map(({ port }) => isPortFree(port)));
  return uses.filter((_, k) => !free[k]);
}

async function readPage(url: string, signal: AbortSignal): Promise<ScrapedSample[]> {
  try {
    return parseTextFormat(
      await (await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(3000)]) })).text(),
    );
  } catch {
    return [];
  }
}
