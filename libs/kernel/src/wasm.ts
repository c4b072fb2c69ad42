/** What a kernel exports besides its functions. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
}

/** The little of the WebAssembly global that is used here; its full types come only with those of a browser. */
interface WebAssemblyGlobal {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const modules = new Map<string, object>();

/** A new instance, with a memory of its own, of a kernel given in base64. Each kernel is compiled once. */
export function instantiate<Exports extends KernelExports>(wasmBase64: string): Exports {
  const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyGlobal }).WebAssembly;
  let module = modules.get(wasmBase64);
  if (module === undefined) {
    module = new Module(Buffer.from(wasmBase64, 'base64'));
    modules.set(wasmBase64, module);
  }
  return new Instance(module, {}).exports as Exports;
}
