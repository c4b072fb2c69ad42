export { TlsConfigError } from './tls-errors.js';
export { cipherSuiteNames, curveNames, tlsVersions, type TlsVersion } from './tls-names.js';
export { type Reloaded, type ReloadOptions, type ReloadTally } from './reloaded.js';
export { checkServerTlsNames, openServerTls, type ServerTls, type ServerTlsFiles } from './server-tls.js';
export { openClientTls, type ClientTls, type ClientTlsFiles } from './client-tls.js';
export {
  clientSubjectOf,
  refusalOf,
  shownBy,
  subjectFields,
  type ClientAuth,
  type SubjectField,
} from './client-check.js';
export { createWebServer, type SecureServer } from './secure-server.js';
export { type WebConfig } from './web-config.js';
export { createGatedServer, openWebGate, type WebGate } from './web-gate.js';
