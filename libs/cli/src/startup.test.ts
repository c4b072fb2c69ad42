import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseIngesterFlags, parseRouterFlags } from './index.js';

interface Case {
  name: string;
  flags: string[];
  exit: number | 'keeps running';
  firstError: string[] | null;
}
const { cases } = JSON.parse(readFileSync(join(__dirname, '../testdata/startup-errors.json'), 'utf8')) as {
  cases: Case[];
};
const routerOnly = /^--(receive\.(hashrings|replication|forward|grpc))/;

// What flags alone decide, without files, listeners or hashrings.
const inScope = [
  'unknown flag',
  'removed flag writer.intern',
  'removed flag shipper.ignore-unequal-block-size',
  'unexpected argument',
  'no label',
  'label without quotes',
  'label without equals',
  'label with bad name',
  'label twice',
  'label with single quotes',
  'bad duration',
  'bad number',
  'negative number',
  'bad enum',
  'bad log level',
  'flag without value',
  'objstore file missing',
  'objstore both flags',
  'tenant label name empty',
  'bad bytes',
  'limits file missing',
  'tls key missing',
  'lazy retrieval zero',
  'bad grpc service config',
  'unknown feature',
  'bad tenant certificate field',
  'logging config bad',
];

test.each(inScope.map((name) => cases.find((row) => row.name === name)!))(
  'a start with "$name" ends as recorded',
  ({ name, flags, exit, firstError }) => {
    // The recordings leave out what every start has.
    const argv = name === 'no label' ? flags : [...flags, '--label=replica="0"'];
    const result = flags.some((flag) => routerOnly.test(flag))
      ? parseRouterFlags(argv)
      : parseIngesterFlags(name === 'no label' || !/^--label/.test(flags[0] ?? '') ? argv : flags);
    if (exit === 'keeps running') {
      expect(result.kind).toBe('config');
      return;
    }
    expect(result).toMatchObject({ kind: 'exit', code: exit });
    const { stderr } = result as { stderr: string };
    expect(stderr.match(/\n/g)).toHaveLength(1);
    // Thanos logs the innermost message first; ours reads from the outside in, without the command's own frame.
    const parts = firstError!.filter((part) => !part.startsWith('preparing receive'));
    for (const part of parts) {
      for (const piece of part.replace(/^thanos: error: /, '').split('[...]')) expect(stderr).toContain(piece);
    }
  },
);
