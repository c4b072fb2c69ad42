export {
  createTestAuthority,
  mountSecret,
  type TestAuthority,
  type TestPair,
  type TestSubject,
} from './certificates.js';
