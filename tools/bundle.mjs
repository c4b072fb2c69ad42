#!/usr/bin/env node
// Bundles one app or tool into dist/<project>/main.js, and the program of its worker threads into worker.js beside it. Workspace libraries go in, npm packages stay outside.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const project = process.argv[2];
if (!project) throw new Error('usage: node tools/bundle.mjs apps/router');
const root = resolve(import.meta.dirname, '..');
const { dependencies, devDependencies, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const source = join(root, project, 'src');
const packages = Object.keys({ ...dependencies, ...devDependencies });
await build({
  absWorkingDir: root,
  entryPoints: [join(source, 'main.ts'), join(source, 'worker.ts')].filter((file) => existsSync(file)),
  outdir: join(root, 'dist', project),
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  sourcemap: 'linked',
  minifySyntax: true,
  external: [...packages, ...packages.map((name) => `${name}/*`)],
  define: { 'process.env.GAUNTLET_VERSION': JSON.stringify(version) },
  logLevel: 'warning',
});
