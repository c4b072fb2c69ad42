/** What a kernel with a memory of its own exports besides its functions. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
}

/** A shared WebAssembly.Memory: other threads that are given it read what this one writes. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

/** The little of the WebAssembly global that is used here; its full types come only with those of a browser. */
interface WebAssemblyGlobal {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: boolean;
  }) => SharedMemory;
}

const modules = new Map<string, object>();

/** A new instance of a kernel given in base64, with a memory of its own unless it imports one. Each kernel is compiled once. */
export function instantiate<Exports extends object>(wasmBase64: string, memory?: SharedMemory): Exports {
  const { Module, Instance } = webAssembly();
  let module = modules.get(wasmBase64);
  if (module === undefined) {
    module = new Module(Buffer.from(wasmBase64, 'base64'));
    modules.set(wasmBase64, module);
  }
  return new Instance(module, { env: { memory } }).exports as Exports;
}

/** Memory for a kernel that imports it: as many pages as it begins with, and as it may grow to (codegen.mjs, kernels.json). */
export function createSharedMemory(): SharedMemory {
  const { Memory } = webAssembly();
  return new Memory({ initial: 4, maximum: 65_536, shared: true });
}

function webAssembly(): WebAssemblyGlobal {
  return (globalThis as unknown as { readonly WebAssembly: WebAssemblyGlobal }).WebAssembly;
}
