import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const minuteMs = 60_000

/** A certificate for an identity of the mesh, signed by nobody but itself: what a stranger can make at any time. */
export async function selfMadeIdentity(identity: string): Promise<{ cert: string; key: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=stranger',
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - minuteMs),
      notAfter: new Date(Date.now() + 10 * minuteMs),
      extensions: [
        new SubjectAlternativeNameExtension([{ type: 'dns', value: identity }]),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
      ],
    },
    webcrypto,
  )
  const exported = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  return {
    cert: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${exported}\n-----END PRIVATE KEY-----\n`,
  }
}
