import { absent } from '../check/absent.ts'
import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import { ingresses, namespaces } from '../cluster/kinds/core.ts'
import { ciliumConfig } from '../cluster/kinds/documents.ts'
import { gatewayClasses, gateways, httpRoutes } from '../cluster/kinds/platform.ts'
import { contains, poolOf } from './addresses.ts'
import { conditionIs, expectedObjects, missing, nameOfExpected } from './objects.ts'

export const gatewayClassAccepted = check({
  claim: 'NET-05',
  fact: 'the GatewayClass of Cilium is accepted',
  reads: { classes: required(gatewayClasses) },
  population: 'Cilium GatewayClasses',
  atLeast: 1,
  expected: 'controller io.cilium/gateway-controller, Accepted',
  subjects: (read, { names }) =>
    expectedObjects('GatewayClass', undefined, [names.customResources.gatewayClass.name], read.classes),
  name: nameOfExpected,
  holds: ({ found }) => {
    if (!found) return missing
    if (found.spec.controllerName !== 'io.cilium/gateway-controller') return `is of ${found.spec.controllerName}`
    return conditionIs(found, 'Accepted')
  },
})

export const gatewaysProgrammed = check({
  claim: 'NET-05',
  fact: 'every Gateway is programmed, has an address of its pool and routes',
  reads: { gateways: required(gateways) },
  population: 'Gateways',
  atLeast: 1,
  expected: 'Accepted, Programmed, an address of the LoadBalancer pool, an attached route',
  subjects: (read) => read.gateways,
  holds: (gateway, { documented, names }) => {
    const { gatewayClassName } = gateway.spec
    if (gatewayClassName !== names.customResources.gatewayClass.name) return `is of class ${gatewayClassName}`
    for (const type of ['Accepted', 'Programmed']) {
      const holds = conditionIs(gateway, type)
      if (holds !== true) return holds
    }
    const addresses = gateway.status.addresses.map(({ value }) => value)
    if (addresses.length === 0) return 'has no address'
    const outside = addresses.filter((address) => !contains(poolOf(documented), address))
    if (outside.length > 0) return `is at ${outside.join(', ')}`
    return gateway.status.listeners.some(({ attachedRoutes }) => attachedRoutes > 0) || 'has no attached route'
  },
})

export const routesAccepted = check({
  claim: 'NET-05',
  fact: 'every HTTPRoute of a Gateway is accepted and finds its backends',
  reads: { routes: required(httpRoutes) },
  population: 'HTTPRoutes',
  atLeast: 1,
  expected: 'Accepted and ResolvedRefs by Cilium',
  subjects: (read) => read.routes,
  holds: ({ metadata, status }) => {
    const parents = status.parents.filter(
      ({ controllerName, parentRef }) =>
        controllerName === 'io.cilium/gateway-controller' && parentRef.kind === 'Gateway',
    )
    if (parents.length === 0) return 'is not looked after by Cilium'
    for (const { conditions } of parents) {
      for (const type of ['Accepted', 'ResolvedRefs']) {
        const holds = conditionIs({ metadata, status: { conditions } }, type)
        if (holds !== true) return holds
      }
    }
    return true
  },
})

export const noIngress = absent({
  claim: 'NET-05',
  fact: 'nothing is published by an Ingress',
  reads: { namespaces, ingresses },
  population: 'namespaces',
  atLeast: 4,
  because: 'Kubernetes itself makes four',
  expected: 'no Ingress',
  subjects: (read) => read.namespaces.map((object) => ({ ...object, ingresses: read.ingresses })),
  detector: ({ metadata, ingresses: all }) => {
    const own = all.filter((ingress) => ingress.metadata.namespace === metadata.name)
    return own.length === 0 ? undefined : `has ${own.map((ingress) => `Ingress ${ingress.metadata.name}`).join(', ')}`
  },
  calibrate: (read) =>
    read.namespaces.slice(0, 1).map((object) => ({
      ...object,
      ingresses: [
        {
          kind: 'Ingress',
          metadata: {
            name: 'calibration',
            namespace: object.metadata.name,
            labels: {},
            annotations: {},
            ownerReferences: [],
          },
        },
      ],
    })),
})

export const gatewayPreconditions = check({
  claim: 'NET-05',
  fact: 'Cilium can serve Gateways: the feature is on and node ports are handled',
  reads: { config: ciliumConfig },
  population: 'Cilium configurations',
  atLeast: 1,
  expected: 'enable-gateway-api true, and kube-proxy-replacement or enable-node-port true',
  subjects: (read) => read.config,
  holds: ({ data }) => {
    if (data['enable-gateway-api'] !== 'true') return `has enable-gateway-api ${data['enable-gateway-api'] ?? 'unset'}`
    const served = data['kube-proxy-replacement'] === 'true' || data['enable-node-port'] === 'true'
    return served || 'has neither kube-proxy-replacement nor enable-node-port, so no Gateway is ever programmed'
  },
  disputed: ({ data }) => data['enable-gateway-api'] === 'true',
})
