#!/usr/bin/env node
// The door of the two commands: runs with nothing but Node and npm, installs what is missing, then hands over.
const { spawnSync } = require('node:child_process');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { createHash } = require('node:crypto');
const { join } = require('node:path');

const root = join(__dirname, '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Cannot start: Node.js ${process.versions.node} is too old, 20.19 or newer is needed`);
  process.exit(1);
}

function run(command, args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', ...env } });
  if (result.error) throw result.error;
  if (result.signal) process.exit(130);
  return result.status;
}
function must(command, args, env) {
  const status = run(command, args, env);
  if (status !== 0) process.exit(status);
}
function install() {
  const lock = createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
  const stamp = join(root, 'node_modules', '.gauntlet-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('Installing the npm packages of the lock file ...');
  must('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(stamp, lock);
}
const bin = (name) => join(root, 'node_modules', '.bin', name);
const nx = (...args) => must(bin('nx'), [...args, '--output-style=stream']);
const build = (...projects) => nx('run-many', '-t', 'build', ...(projects.length > 0 ? ['-p', projects.join(',')] : []));
const tool = (name, args) => process.exit(run(process.execPath, ['--enable-source-maps', join(root, 'dist/tools', name, 'main.js'), ...args]));

const [task, ...rest] = process.argv.slice(2);
install();
switch (task) {
  case 'build':
    build();
    break;
  case 'test': {
    if (rest.length === 0) nx('run-many', '-t', 'lint');
    must(bin('nx'), ['run-many', '-t', 'codegen', '--output-style=stream']);
    if (rest.length === 0) must(bin('tsc'), ['--noEmit', '-p', 'tsconfig.json']);
    build();
    process.exit(run(bin('jest'), ['--config', 'jest.config.cjs', '--reporters=default', '--reporters=./tools/jest-tally.cjs', ...rest]));
    break;
  }
  case 'test:long':
    build();
    process.exit(run(bin('jest'), ['--config', 'jest.config.cjs', ...rest], { GAUNTLET_LONG: '1' }));
    break;
  case 'up':
    build('router', 'ingester', 'stack-tool');
    tool('stack', rest);
    break;
  case 'load':
    build('loadgen-tool');
    tool('loadgen', rest);
    break;
  case 'bench':
    build('router', 'ingester', 'loadgen-tool', 'bench-tool');
    tool('bench', rest);
    break;
  default:
    console.error(`Cannot run '${task}': it is one of build, test, test:long, up, load, bench`);
    process.exit(1);
}
