import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

// The tables of docs/decisions/0001-layers.md: who may import whom.
const layers = {
  base: ['base'],
  model: ['base', 'model'],
  format: ['base', 'model', 'format'],
  logic: ['base', 'model', 'logic'],
  port: ['base', 'port'],
  engine: ['base', 'model', 'format', 'logic', 'port', 'engine'],
  app: ['base', 'model', 'format', 'logic', 'port', 'engine'],
  tool: ['base', 'model', 'format', 'logic', 'port', 'engine', 'app', 'tool'],
};
const scopes = {
  shared: ['shared'],
  write: ['shared', 'write'],
  read: ['shared', 'read'],
  tool: ['shared', 'write', 'read', 'tool'],
};
const constraints = (kind, table) =>
  Object.entries(table).map(([name, allowed]) => ({
    sourceTag: `${kind}:${name}`,
    onlyDependOnLibsWithTags: allowed.map((tag) => `${kind}:${tag}`),
  }));

// Layers that must run unchanged in a simulator or a worker: no Node modules.
const pure = [
  'base',
  'model',
  'kernel',
  'remote-write',
  'chunk',
  'block',
  'ring',
  'wire',
  'select',
  'promql',
  'relabel',
  'otlp',
].map((name) => `libs/${name}/src/**/*.ts`);
const tests = ['**/*.test.ts', '**/*.bench.ts', '**/testing/**', 'tools/**'];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/generated/**',
      '**/assembly/**',
      '**/*.cjs',
      '**/*.mjs',
      '.nx/**',
      '**/testdata/**',
    ],
  },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          allow: [],
          enforceBuildableLibDependency: false,
          depConstraints: [...constraints('layer', layers), ...constraints('scope', scopes)],
        },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: pure,
    ignores: tests,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['node:*', 'fs', 'path', 'os'],
              message: 'Layers base to logic are pure: they run unchanged in a simulator or a worker.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['libs/**/*.ts', 'apps/**/*.ts'],
    ignores: tests,
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ImportDeclaration[source.value=/^@gauntlet.*testing$/]',
          message: 'Only tests and tools import ./testing.',
        },
      ],
    },
  },
);
