import { check } from '../check/check.ts'
import { required } from '../check/source.ts'
import {
  customResourceDefinitions,
  daemonSets,
  deployments,
  mutatingWebhooks,
  statefulSets,
} from '../cluster/kinds/core.ts'
import { gitRepositories, helmReleases, helmRepositories, kustomizations } from '../cluster/kinds/platform.ts'
import { namespaceOf } from '../platform/platform.ts'
import { isImage } from './images.ts'
import {
  conditionIs,
  expectedObjects,
  located,
  missing,
  nameOfExpected,
  nameOfLocated,
  workloadHealth,
  unlessOneIsEmpty,
} from './objects.ts'

export const controllersAvailable = check({
  claim: 'GIT-01',
  fact: 'the controllers of Flux are available',
  reads: { deployments },
  population: 'Flux controllers',
  atLeast: 4,
  because: 'source, kustomize, helm and notification controller',
  expected: 'rolled out and available',
  subjects: (read, { names }) =>
    expectedObjects('Deployment', namespaceOf(names, 'flux'), names.workloads.fluxControllers.names, read.deployments),
  name: nameOfExpected,
  holds: ({ found }) => (found ? workloadHealth(found) : missing),
})

const reconciled = {
  repositories: required(gitRepositories),
  kustomizations: required(kustomizations),
  releases: required(helmReleases),
  helmRepositories: required(helmRepositories),
}

export const nothingSuspended = check({
  claim: 'GIT-01',
  fact: 'nothing that Flux looks after is suspended',
  reads: reconciled,
  population: 'Flux objects',
  atLeast: 2,
  because: 'one source and one Kustomization are the least',
  expected: 'not suspended',
  subjects: (read) =>
    unlessOneIsEmpty(
      [read.repositories, read.kustomizations, read.releases],
      [...read.repositories, ...read.kustomizations, ...read.releases, ...read.helmRepositories],
    ),
  holds: ({ spec }) => !spec.suspend || 'is suspended',
})

export const tofuController = check({
  claim: 'GIT-02',
  on: 'infra',
  fact: 'the Tofu controller is available and its kind is served',
  reads: { deployments, definitions: customResourceDefinitions },
  population: 'parts of the Tofu controller',
  atLeast: 2,
  because: 'Deployment and CustomResourceDefinition',
  expected: 'an available Deployment and an established CustomResourceDefinition',
  subjects: (read) => {
    const controller = read.deployments.find(({ spec }) =>
      spec.template.spec.containers.some(({ image }) => isImage(image, 'flux-iac/tofu-controller')),
    )
    const definition = read.definitions.find(({ metadata }) => metadata.name === 'terraforms.infra.contrib.fluxcd.io')
    return [
      {
        subject: 'Deployment of flux-iac/tofu-controller',
        look: 'get deployments -A',
        holds: controller ? workloadHealth(controller) : missing,
      },
      {
        subject: 'CustomResourceDefinition terraforms.infra.contrib.fluxcd.io',
        look: 'get crd terraforms.infra.contrib.fluxcd.io',
        holds: definition ? conditionIs(definition, 'Established') : missing,
      },
    ]
  },
  name: ({ subject, look }) => ({ subject, look }),
  holds: ({ holds }) => holds,
})

const normalised = (path: string) => path.replace(/^\.\//, '').replace(/\/$/, '')

export const repositoryLayout = check({
  claim: 'GIT-03',
  fact: 'the Kustomizations of Flux follow the documented layout of the repository',
  reads: { kustomizations: required(kustomizations) },
  population: 'documented paths and Kustomizations',
  atLeast: 3,
  because: 'infrastructure, workloads and the cluster itself',
  expected: 'infrastructure, workloads and the cluster each applied, and nothing from elsewhere',
  subjects: (read, { names, cluster }) => {
    const { infrastructure, workloads, cluster: own } = names.repositoryPaths
    const documented = [infrastructure.name, workloads.name, own.name.replace('{cluster}', cluster)]
    const applied = read.kustomizations.map(({ kind, metadata, spec }) => ({
      kind,
      metadata,
      path: normalised(spec.path),
    }))
    return [
      ...documented.map((path) => ({
        subject: path,
        look: 'get kustomizations -A',
        holds: applied.some((one) => isBelow(one.path, path)) || 'is applied by no Kustomization',
      })),
      ...applied.map(({ metadata, path }) => ({
        subject: `Kustomization ${metadata.namespace}/${metadata.name}`,
        look: `-n ${metadata.namespace} get kustomization ${metadata.name} -o yaml`,
        holds: documented.some((one) => isBelow(path, one)) || `applies ${path || 'the root of the repository'}`,
      })),
    ]
  },
  name: ({ subject, look }) => ({ subject, look }),
  holds: ({ holds }) => holds,
})

const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`)

export const everythingReconciled = check({
  claim: 'GIT-04',
  fact: 'everything that is declared is reconciled',
  reads: reconciled,
  population: 'Flux objects',
  atLeast: 2,
  because: 'one source and one Kustomization are the least',
  expected: 'Ready, at the current generation',
  // A HelmRepository of type oci never has a status.
  subjects: (read) =>
    unlessOneIsEmpty(
      [read.repositories, read.kustomizations, read.releases],
      [
        ...read.repositories,
        ...read.kustomizations,
        ...read.releases,
        ...read.helmRepositories.filter(({ spec }) => spec.type !== 'oci'),
      ],
    ),
  holds: (object) => {
    const { generation } = object.metadata
    const { observedGeneration } = object.status
    if (generation !== undefined && observedGeneration !== generation) {
      return `was observed at generation ${observedGeneration ?? 'none'}, is at ${generation}`
    }
    return conditionIs(object, 'Ready')
  },
})

export const revisionsApplied = check({
  claim: 'GIT-04',
  on: 'across',
  fact: 'both clusters apply the same revision of the repository',
  reads: { repositories: required(gitRepositories), kustomizations: required(kustomizations) },
  population: 'Kustomizations',
  atLeast: 2,
  because: 'one on each cluster is the least',
  expected: 'the revision that the source of both clusters has',
  subjects: ({ infra, apps }) =>
    unlessOneIsEmpty(
      [infra.repositories, apps.repositories, infra.kustomizations, apps.kustomizations],
      [...located('infra', infra.kustomizations), ...located('apps', apps.kustomizations)],
    ),
  name: nameOfLocated,
  holds: ({ object }, { names }, { infra, apps }) => {
    const revisions = [...infra.repositories, ...apps.repositories]
      .filter(({ metadata }) => metadata.name === names.customResources.gitRepository.name)
      .map(({ status }) => status.artifact?.revision ?? 'no artifact')
    const [wanted, ...others] = [...new Set(revisions)]
    if (wanted === undefined) return 'has no source to compare with'
    if (others.length > 0) return `the sources are at different revisions: ${[wanted, ...others].join(', ')}`
    return (
      object.status.lastAppliedRevision === wanted ||
      `is at ${object.status.lastAppliedRevision ?? 'no revision'}, the source is at ${wanted}`
    )
  },
})

/** Talos applies these from its machine configuration, before there is a Flux. */
const ofTalos = ['Deployment kube-system/coredns', 'DaemonSet kube-system/kube-proxy']

export const everythingFromRepository = check({
  claim: 'GIT-06',
  fact: 'every workload and every webhook comes from the repository',
  reads: { deployments, statefulSets, daemonSets, webhooks: mutatingWebhooks },
  population: 'workloads and webhook configurations',
  atLeast: 8,
  because: 'Flux, Cilium and the Linkerd control plane alone make that many',
  expected: ({ names }) => `an owner, or one of the labels ${names.labels.fluxOwned.keys.join(' and ')}`,
  subjects: (read) =>
    unlessOneIsEmpty(
      [read.deployments, read.daemonSets, read.webhooks],
      [...read.deployments, ...read.statefulSets, ...read.daemonSets, ...read.webhooks],
    ).filter(({ kind, metadata }) => !ofTalos.includes(`${kind} ${metadata.namespace}/${metadata.name}`)),
  holds: ({ metadata }, { names }) =>
    metadata.ownerReferences.length > 0 ||
    names.labels.fluxOwned.keys.some((key) => key in metadata.labels) ||
    'carries no label of Flux and has no owner: nobody would make it again',
})
