import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createServer } from 'node:https'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, issue } from '../../fixtures/pair/certificates.ts'
import { statusOf } from './api-endpoints.ts'

const host = 'infra.k8s.monosense.io'
let authority: string
let stranger: string
let port: number
const server = createServer((_, response) => response.writeHead(401).end('{}'))

beforeAll(async () => {
  const [own, other] = [await createAuthority({ commonName: 'infra' }), await createAuthority({ commonName: 'infra' })]
  const { certificate, key } = await issue(own, { commonName: 'kube-apiserver', names: [host] })
  authority = own.certificate
  stranger = other.certificate
  server.setSecureContext({ cert: certificate, key })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.close()
})

async function asked(about: { host: string; authority: string }): Promise<number | string> {
  const socket = connect(port, '127.0.0.1')
  try {
    return await statusOf(socket, about)
  } catch (error) {
    return String(error)
  } finally {
    socket.destroy()
  }
}

test('any status is an answer, over TLS that the authority of the cluster certified for this name', async () => {
  expect(await asked({ host, authority })).toBe(401)
})

test('another authority, or a certificate for another name, is no answer', async () => {
  expect(await asked({ host, authority: stranger })).toMatch(/certificate|signature/)
  expect(await asked({ host: 'apps.k8s.monosense.io', authority })).toMatch(/does not match/)
})
