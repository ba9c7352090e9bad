import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '../../cluster/connection.ts'
import { loadPlatform } from '../../platform/platform.ts'
import type { Field, PowerDriver } from '../field.ts'

/** A kubeconfig with both contexts, each on a double. */
export function kubeconfigOf(ports: Record<'infra' | 'apps', number>): string {
  const clusters = (['infra', 'apps'] as const).map((name) => ({
    name,
    cluster: { server: `http://127.0.0.1:${ports[name]}`, 'insecure-skip-tls-verify': true },
  }))
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    users: [{ name: 'nobody', user: {} }],
    contexts: clusters.map(({ name }) => ({ name, context: { cluster: name, user: 'nobody' } })),
  })
}

/** The power of nodes that are files: a node without power has one. It outlives whoever cut it, as in a power cut. */
function powerIn(folder: string): PowerDriver {
  const file = (node: string) => join(folder, `${node}.off`)
  return {
    off: async (node) => writeFileSync(file(node), ''),
    on: async (node) => rmSync(file(node), { force: true }),
    isOn: async (node) => !existsSync(file(node)),
  }
}

/** A field on two doubles. Probers stand beside them. */
export async function openDouble(kubeconfig: string, folder: string): Promise<Field> {
  const nodes = ['node-1', 'node-2', 'node-3']
  const power = powerIn(folder)
  return {
    target: 'pair',
    platform: loadPlatform(),
    connections: { infra: await connect(kubeconfig, 'infra'), apps: await connect(kubeconfig, 'apps') },
    kubeconfig,
    contexts: { infra: 'infra', apps: 'apps' },
    power,
    placeOn: async () => [],
    picture: async (clusters) =>
      clusters.includes('apps')
        ? Promise.all(nodes.map(async (node) => `node ${node} is ${(await power.isOn(node)) ? 'on' : 'off'}`))
        : [],
    workloadImage: 'none: doubles run nothing',
  }
}
