import { cipherSuiteNames, curveNames, opensslCiphers, opensslCurves } from './tls-names.js';

test('the suites are those that Go holds for secure', () => {
  expect(cipherSuiteNames).toHaveLength(13);
  expect(new Set(opensslCiphers([], '1.2').split(':'))).toEqual(
    new Set(opensslCiphers(cipherSuiteNames, '1.2').split(':')),
  );
});

test('suites of TLS 1.3 are always on, and those of before only if they are named', () => {
  const fixed = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';
  expect(opensslCiphers(['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'], '1.2')).toBe(`${fixed}:ECDHE-RSA-AES128-GCM-SHA256`);
  expect(opensslCiphers(['TLS_AES_128_GCM_SHA256'], '1.2')).toBe(fixed);
});

test.each([
  [
    () => opensslCiphers(['TLS_RSA_WITH_RC4_128_SHA'], '1.2'),
    /^invalid cipher suite: TLS_RSA_WITH_RC4_128_SHA, valid values are TLS_AES_128_GCM_SHA256, .*, TLS_ECDHE_RSA_/,
  ],
  [() => opensslCurves(['P-256']), /^invalid curve: P-256, valid values are CurveP256, CurveP384, CurveP521, X25519/],
])('unknown names are refused with the known ones', (read, message) => expect(read).toThrow(message));

test('curves are those that OpenSSL has', () => {
  expect(curveNames()).toEqual(expect.arrayContaining(['CurveP256', 'CurveP384', 'CurveP521', 'X25519']));
  expect(opensslCurves(['X25519', 'CurveP521'])).toBe('X25519:P-521');
  expect(opensslCurves([])).toBeUndefined();
});
