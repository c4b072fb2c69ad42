// The whole workspace in one run: every folder below libs, apps and tools that has a jest.config.cjs.
const { existsSync, readdirSync } = require('node:fs');
const { join } = require('node:path');

const projects = ['libs', 'apps', 'tools'].flatMap((group) =>
  readdirSync(join(__dirname, group)).map((name) => join(__dirname, group, name)).filter((dir) => existsSync(join(dir, 'jest.config.cjs'))),
);

// The second reporter ends the run with one line that counts.
module.exports = { projects, maxWorkers: 2, reporters: ['default', join(__dirname, 'tools/jest-tally.cjs')] };
