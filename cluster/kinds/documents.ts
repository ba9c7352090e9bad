import { z } from 'zod'
import type { Source } from '../../check/source.ts'
import type { ClusterName, Names } from '../../platform/platform.ts'
import { namespaceOf } from '../../platform/platform.ts'
import { metadata } from './object.ts'

const configMap = z.object({
  kind: z.string().default('ConfigMap'),
  metadata,
  data: z.record(z.string(), z.string()).default({}),
})
export type ConfigMap = z.infer<typeof configMap>

function configMapAt(
  id: string,
  what: string,
  where: (names: Names) => { namespace: string; name: string },
): Source<ConfigMap> {
  return {
    id,
    what,
    schema: configMap,
    from: {
      type: 'get',
      path: (names) => `/api/v1/namespaces/${where(names).namespace}/configmaps/${where(names).name}`,
    },
  }
}

export const ciliumConfig = configMapAt('cilium-config', 'the ConfigMap of Cilium', (names) => ({
  namespace: namespaceOf(names, 'system'),
  name: names.customResources.ciliumConfig.name,
}))
export const linkerdConfig = configMapAt('linkerd-config', 'the ConfigMap of Linkerd', (names) => ({
  namespace: namespaceOf(names, 'linkerd'),
  name: names.configMaps.linkerdConfig.name,
}))
export const trustRoots = configMapAt('linkerd-trust-roots', 'the trust anchors of Linkerd', (names) => ({
  namespace: namespaceOf(names, 'linkerd'),
  name: names.configMaps.trustRoots.name,
}))
export const rootCA = configMapAt('kube-root-ca', 'the root certificate of the cluster', () => ({
  namespace: 'kube-system',
  name: 'kube-root-ca.crt',
}))
/** Both documents with the hosts of GitLab are keys of one ConfigMap. */
export const gitlabConfig = configMapAt('gitlab-config', 'the ConfigMap of GitLab', (names) => ({
  namespace: namespaceOf(names, 'gitlab'),
  name: names.configMaps.gitlabDatabase.name,
}))
export const cephMonitors = configMapAt('ceph-monitors', 'the ConfigMap of the Ceph monitors', (names) => ({
  namespace: namespaceOf(names, 'rookCeph'),
  name: names.configMaps.cephMonitors.name,
}))

const metadataOnly = z.object({ metadata })

/** No more than the metadata of a Secret: whether it is there. Its values are never asked for. */
export function secretAt(
  id: string,
  cluster: ClusterName,
  where: (names: Names) => { namespace: string; name: string },
): Source<z.infer<typeof metadataOnly>> {
  return {
    id,
    what: `Secret ${id}`,
    schema: metadataOnly,
    from: {
      type: 'get',
      cluster,
      metadataOnly: true,
      path: (names) => `/api/v1/namespaces/${where(names).namespace}/secrets/${where(names).name}`,
    },
  }
}

export const linkCredentials = secretAt('link-credentials', 'apps', (names) => ({
  namespace: namespaceOf(names, 'linkerdMulticluster'),
  name: names.secrets.linkCredentials.name,
}))
export const linkCredentialsForDestination = secretAt('link-credentials-destination', 'apps', (names) => ({
  namespace: namespaceOf(names, 'linkerd'),
  name: names.secrets.linkCredentials.name,
}))

const systemNamespaceShape = z.object({
  kind: z.string().default('Namespace'),
  metadata: metadata.extend({ uid: z.string() }),
})
export const systemNamespace: Source<z.infer<typeof systemNamespaceShape>> = {
  id: 'kube-system',
  what: 'the namespace kube-system',
  schema: systemNamespaceShape,
  from: { type: 'get', path: () => '/api/v1/namespaces/kube-system' },
}

const versionShape = z.object({ gitVersion: z.string() })
export const serverVersion: Source<z.infer<typeof versionShape>> = {
  id: 'version',
  what: 'the version of the API server',
  schema: versionShape,
  from: { type: 'get', path: () => '/version' },
}

const keysShape = z.object({
  keys: z.array(z.object({ kid: z.string(), n: z.string().optional(), x: z.string().optional() })).min(1),
})
export const tokenKeys: Source<z.infer<typeof keysShape>> = {
  id: 'openid-keys',
  what: 'the signing keys of service-account tokens',
  schema: keysShape,
  from: { type: 'get', path: () => '/openid/v1/jwks', accept: 'application/jwk-set+json' },
}

const certificateShape = z.object({
  subjectAltNames: z.array(z.string()),
  issuer: z.string(),
  validTo: z.string(),
  authority: z.string(),
})
export const apiCertificate: Source<z.infer<typeof certificateShape>> = {
  id: 'api-certificate',
  what: 'the certificate of the API server',
  schema: certificateShape,
  from: { type: 'connection', aspect: 'certificate' },
}
