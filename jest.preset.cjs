// Shared by every project's jest.config.cjs. swc strips the types; libraries are found through the npm workspaces.
module.exports = (rootDir, displayName, more = {}) => ({
  displayName,
  rootDir,
  testEnvironment: 'node',
  setupFilesAfterEnv: [require.resolve('./tools/jest-setup.cjs')],
  testMatch: ['<rootDir>/src/**/*.test.ts'],
  moduleFileExtensions: ['ts', 'js', 'cjs', 'mjs', 'json', 'node'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' }, sourceMaps: 'inline' },
    ],
  },
  ...more,
});
