import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { endToEnd, type Lab } from './lab.js';
import { receiveCommand, subject } from './peers.js';

interface WrongStart {
  readonly name: string;
  readonly role: 'router' | 'ingester';
  readonly flags: readonly string[];
  readonly exit: number;
  /** What the line must name. */
  readonly names: string;
  /** To the superuser every directory is open. */
  readonly notAsRoot?: boolean;
}

const cases = JSON.parse(readFileSync(join(__dirname, '../testdata/startup-errors.json'), 'utf8')) as WrongStart[];

endToEnd(
  'a wrong start ends with the recorded code and one line that says what and where',
  { needs: [], timeoutMs: 60_000 },
  async (lab) => {
    const dir = lab.folder('files');
    for (const [name, text] of Object.entries({
      'bad.json': '[{',
      'empty.json': '[]',
      'obj.json': '{}',
      'noaddr.json': '[{"endpoints":[{}]}]',
      plainfile: 'x',
      'o.yaml': 'type: FILESYSTEM',
      'zero.json': '',
      'few.json': '[{"endpoints":["a:1"]}]',
      'bad.yaml': 'type: [',
      'missing.yaml': 'type: FILESYSTEM\nconfig: {}',
    }))
      writeFileSync(join(dir, name), text);
    mkdirSync(join(dir, 'readonly'), { mode: 0o555 });
    const busy = createServer();
    await new Promise<void>((listening) => busy.listen(0, '127.0.0.1', listening));
    const port = String((busy.address() as AddressInfo).port);
    const fill = (text: string): string => text.replaceAll('DIR', dir).replaceAll('PORT', port);
    const wrong: string[] = [];
    const queue = cases.filter(({ notAsRoot }) => notAsRoot !== true || process.getuid?.() !== 0);
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        wrong.push(...(await complaints(lab, { ...next, flags: next.flags.map(fill), names: fill(next.names) })));
    };
    await Promise.all(Array.from({ length: 5 }, worker));
    busy.close();
    expect(wrong).toEqual([]);
  },
);

async function complaints(lab: Lab, { name, role, flags, exit, names }: WrongStart): Promise<string[]> {
  const child = lab.spawn(`wrong-${name.replaceAll(' ', '-')}`, receiveCommand(subject, role), [
    ...flags,
    ...(await defaultsBeside(lab, name, role, flags)),
  ]);
  const timer = setTimeout(() => child.signal('SIGKILL'), 15_000);
  const ending = await child.ended;
  clearTimeout(timer);
  const said = child.lastLogLines(10);
  const found: string[] = [];
  if (ending.code !== exit)
    found.push(`${name}: expected exit code ${exit}, got ${ending.signal ?? ending.code}: ${said}`);
  if (subject === 'thanos') return found;
  // Log lines about a start that goes well so far may come first; the last one has to say it all.
  const lines = said.trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  if (!last.startsWith(`${role}: error: `)) found.push(`${name}: the last line is no error: ${said}`);
  if (lines.slice(0, -1).some((line) => !/ level=(info|warn) /.test(line)))
    found.push(`${name}: more than one line complains: ${said}`);
  if (!last.includes(names)) found.push(`${name}: the last line does not name ${names}: ${said}`);
  if (/^\s+at .*:\d+:\d+/m.test(said)) found.push(`${name}: a stack trace is shown: ${said}`);
  return found;
}

/** All that a start needs, except the flags of the case. */
async function defaultsBeside(
  lab: Lab,
  name: string,
  role: 'router' | 'ingester',
  flags: readonly string[],
): Promise<string[]> {
  const ports = (await lab.ports(4)).map((port) => `127.0.0.1:${port}`);
  const defaults = [
    `--http-address=${ports[0]}`,
    `--grpc-address=${ports[1]}`,
    `--remote-write.address=${ports[2]}`,
    ...(subject === 'thanos' ? [`--receive.capnproto-address=${ports[3]}`] : []),
    ...(role === 'ingester'
      ? [`--tsdb.path=${lab.folder(`data-${name.replaceAll(' ', '-')}`)}`]
      : flags.some((flag) => flag.startsWith('--receive.hashrings'))
        ? []
        : ['--receive.hashrings=[{"endpoints":["127.0.0.1:1"]}]']),
    ...(name === 'no label' || name.startsWith('label ') ? [] : ['--label=replica="0"']),
  ];
  const given = new Set(flags.map((flag) => flag.split('=')[0]));
  return defaults.filter((flag) => !given.has(flag.split('=')[0] as string));
}
