#!/usr/bin/env node
// The door of the two commands: runs with nothing but Node and npm, installs what is missing, then hands over.
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { createHash } = require('node:crypto');
const { join } = require('node:path');

const root = join(__dirname, '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Cannot start: Node.js ${process.versions.node} is too old, 20.19 or newer is needed`);
  process.exit(1);
}

const environment = { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' };
function run(command, args, env = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...environment, ...env } });
  if (result.error) throw result.error;
  if (result.signal) process.exit(130);
  return result.status;
}
function must(command, args, env) {
  const status = run(command, args, env);
  if (status !== 0) process.exit(status);
}
/** Runs commands side by side, and ends when one of them has failed and all have ended. */
async function mustAll(...commands) {
  const statuses = await Promise.all(
    commands.map(
      ([command, ...args]) =>
        new Promise((resolve, reject) => {
          const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: environment });
          child.on('error', reject).on('exit', (code) => resolve(code ?? 130));
        }),
    ),
  );
  const failed = statuses.find((status) => status !== 0);
  if (failed !== undefined) process.exit(failed);
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
/** Says one line when all is well, and everything when it is not. */
function quietly(doing, command, args) {
  console.error(`${doing} ...`);
  const { status, error, stdout } = spawnSync(command, args, { cwd: root, env: environment, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] });
  if (error) throw error;
  if (status === 0) return;
  process.stdout.write(stdout);
  process.exit(status ?? 130);
}
const nx = (doing, ...args) => quietly(doing, bin('nx'), [...args, '--output-style=stream']);
const build = (...projects) => nx('Building', 'run-many', '-t', 'build', ...(projects.length > 0 ? ['-p', projects.join(',')] : []));
/** Hands over to a tool, and ends when it has ended. A Ctrl-C in a terminal reaches the tool by itself; other signals are passed on. */
function tool(name, args) {
  const child = spawn(process.execPath, ['--enable-source-maps', join(root, 'dist/tools', name, 'main.js'), ...args], { cwd: root, stdio: 'inherit' });
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // A signal to npm ends the shell between npm and us, and nobody tells us.
  const { ppid } = process;
  setInterval(() => process.ppid !== ppid && child.kill('SIGTERM'), 250).unref();
  child.on('exit', (code) => process.exit(code ?? 130));
}

const [task, ...rest] = process.argv.slice(2);
install();
switch (task) {
  case 'build':
    build();
    break;
  case 'test':
    void test();
    break;
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

async function test() {
  build();
  if (rest.length === 0) {
    // The build has left the project graph that the layer rules need; ESLint reads all types as one program.
    console.error('Linting and checking types ...');
    await mustAll(
      [bin('eslint'), '--max-warnings', '0', 'libs', 'apps', 'tools'],
      [bin('tsc'), '--noEmit', '-p', 'tsconfig.json'],
    );
  }
  process.exit(run(bin('jest'), ['--config', 'jest.config.cjs', ...rest]));
}
