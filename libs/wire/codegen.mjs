// Turns every proto/**/*.proto into libs/wire/src/generated/<path>.ts: the descriptor as JSON, ready for
// protobufjs' Root.fromJSON, with everything it imports folded in, so that no .proto file is read at run time.
import { createRequire } from 'node:module';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const protoRoot = join(here, '../../proto');
const generatedRoot = join(here, 'src/generated');

// protobufjs comes with proto-loader, so the two always agree on the descriptor's shape.
const protobuf = createRequire(createRequire(import.meta.url).resolve('@grpc/proto-loader'))('protobufjs');

rmSync(generatedRoot, { recursive: true, force: true });
for (const path of readdirSync(protoRoot, { recursive: true, encoding: 'utf8' }).sort()) {
  if (!path.endsWith('.proto')) continue;
  const root = new protobuf.Root();
  // Imports are named from proto/, whoever imports them.
  root.resolvePath = (_origin, target) => join(protoRoot, target.replace(`${protoRoot}/`, ''));
  root.loadSync(join(protoRoot, path), { keepCase: true }).resolveAll();
  const file = join(generatedRoot, path.replace(/\.proto$/, '.ts'));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `// Generated from proto/${path.replaceAll('\\', '/')} by libs/wire/codegen.mjs.\nexport const ${constantName(path)} = ${JSON.stringify(root.toJSON(), null, 2)};\n`,
  );
}

/** `thanos/store/writeable-store.proto` to `thanosStoreWriteableStore`. */
function constantName(path) {
  const words = path.replace(/\.proto$/, '').split(/[\\/\-.]/);
  return words.map((word, at) => (at === 0 ? word : word[0].toUpperCase() + word.slice(1))).join('');
}
