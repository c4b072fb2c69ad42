#!/usr/bin/env node
// Compiles the AssemblyScript kernels to WebAssembly and writes them as TypeScript modules that hold the bytes in base64,
// so that bundles, tests and workers load them without a path.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';

const here = import.meta.dirname;
const kernels = JSON.parse(readFileSync(join(here, 'kernels.json'), 'utf8'));
mkdirSync(join(here, 'src/generated'), { recursive: true });
for (const [name, { entry, options = [] }] of Object.entries(kernels)) {
  const out = join(here, 'src/generated', `${name}.wasm`);
  const { error, stderr } = await asc.main([
    join(here, entry), '--outFile', out, '--runtime', 'stub', '--noAssert', '-O3', '--converge', '--enable', 'simd', '--enable', 'bulk-memory', ...options,
  ]);
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
  const bytes = readFileSync(out);
  const text = `// Generated from ${entry} by codegen.mjs; do not edit.\nexport const ${name}WasmBase64 =\n  '${bytes.toString('base64')}';\n`;
  writeFileSync(join(here, 'src/generated', `${name}.ts`), text);
  console.log(`kernel ${name}: ${bytes.length} bytes`);
}
