import { silentLog } from '@gauntlet/base';
import { openGrpcServerTls } from './index.js';

test('a certificate that cannot be read is told as that of the gRPC server', async () => {
  const files = {
    certFile: '/nowhere/tls.crt',
    keyFile: '/nowhere/tls.key',
    minVersion: '1.3',
    ciphers: [],
    curves: [],
  } as const;
  await expect(openGrpcServerTls(files, { log: silentLog })).rejects.toMatchObject({
    name: 'TlsConfigError',
    message: expect.stringMatching(/^setup gRPC server: server credentials: /) as unknown,
  });
});
