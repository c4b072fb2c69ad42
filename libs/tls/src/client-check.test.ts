import { alternativeNamesOf, refusalOf, type ClientAuth, type ShownCertificate } from './client-check.js';

const trusted: ShownCertificate = { trusted: true, names: ['agent.example'] };
const stranger: ShownCertificate = { trusted: false, names: ['agent.example'] };

test.each<[ClientAuth, shows: ShownCertificate | undefined, allowed: string[], refusal: string | undefined]>([
  ['NoClientCert', undefined, [], undefined],
  ['RequestClientCert', undefined, [], undefined],
  ['RequestClientCert', stranger, [], undefined],
  ['RequireAnyClientCert', undefined, [], 'client shows no certificate'],
  ['RequireAnyClientCert', stranger, [], undefined],
  ['VerifyClientCertIfGiven', undefined, [], undefined],
  ['VerifyClientCertIfGiven', stranger, [], 'certificate of client is not trusted'],
  ['VerifyClientCertIfGiven', trusted, [], undefined],
  ['RequireAndVerifyClientCert', undefined, [], 'client shows no certificate'],
  ['RequireAndVerifyClientCert', stranger, [], 'certificate of client is not trusted'],
  ['RequireAndVerifyClientCert', trusted, [], undefined],
  ['RequireAndVerifyClientCert', trusted, ['other', 'agent.example'], undefined],
  ['RequireAndVerifyClientCert', trusted, ['other'], 'certificate of client has none of the allowed names'],
  ['RequireAndVerifyClientCert', stranger, ['agent.example'], 'certificate of client is not trusted'],
  // A list of names asks for a certificate by itself.
  ['VerifyClientCertIfGiven', undefined, ['agent.example'], 'client shows no certificate'],
])('with %s a client that shows %j, of %j, is refused for %j', (clientAuth, shown, clientNamesAllowed, refusal) =>
  expect(refusalOf(shown, { clientAuth, clientNamesAllowed })).toBe(refusal),
);

test.each([
  [
    'DNS:a.example, IP Address:127.0.0.1, URI:spiffe://x/y, email:a@b.c',
    ['a.example', '127.0.0.1', 'spiffe://x/y', 'a@b.c'],
  ],
  // Node quotes what could be mistaken for two names.
  ['DNS:"a.example\\u002c DNS:b.example", DNS:c', ['a.example, DNS:b.example', 'c']],
  ['', []],
])('alternative names %j are %j', (subjectAltName, names) =>
  expect(alternativeNamesOf({ subjectAltName })).toEqual(names),
);
