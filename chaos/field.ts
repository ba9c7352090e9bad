import type { Deadline } from '../check/deadline.ts'
import type { Connections } from '../cluster/snapshot.ts'
import type { ClusterName, Platform } from '../platform/platform.ts'
import type { Place } from './prober/probers.ts'
import type { Repository } from './restore/restic.ts'

/** Switches nodes off and on: the pair's own, a machine's management controller, or commands of the user's. */
export type PowerDriver = {
  /** Cuts the power. Something outside of this process gives it back after `seconds`, where the driver can promise that. */
  off: (node: string, seconds: number) => Promise<void>
  on: (node: string, deadline: Deadline) => Promise<void>
  /** Undefined where nobody can tell. */
  isOn: (node: string) => Promise<boolean | undefined>
}

/** Cuts the link between the clusters. The cut ends by itself after `seconds`. */
export type LinkDriver = {
  cut: (seconds: number) => Promise<void>
  join: () => Promise<void>
  packetsDropped: () => Promise<number>
}

/** Reaches files inside containers, and the tool that backs them up. */
export type RestoreTools = {
  /** The path of restic; built or fetched when it is asked for. */
  program: () => Promise<string>
  version: string
  /** Where a path inside a running container is found on this machine. */
  filesIn: (containerID: string, path: string) => Promise<string>
}

/** A store outside of a cluster, and the file beside it that says what is in it. */
export type KeptStore = { repository: Repository; note: string; empty: () => Promise<void> }

/** The loss of a whole cluster and the steps back, each of which can be done twice. */
export type RebuildHands = {
  isLost: () => Promise<boolean>
  lose: (deadline: Deadline) => Promise<void>
  machines: (deadline: Deadline) => Promise<void>
  /** `recovery`: the database waits for its data. */
  platform: (bootstrap: 'initdb' | 'recovery', deadline: Deadline) => Promise<void>
  link: (deadline: Deadline) => Promise<void>
  finish: (deadline: Deadline) => Promise<void>
  close: () => Promise<void>
  store: KeptStore
}

/** Where an experiment takes place, and what can be done there. `main.ts` puts it together. */
export type Field = {
  target: 'pair' | 'live'
  platform: Platform
  connections: Connections
  kubeconfig: string
  contexts: Record<ClusterName, string>
  power?: PowerDriver
  link?: LinkDriver
  restore?: RestoreTools
  /** Undefined where only people can do it. */
  rebuild?: (cluster: ClusterName, deadline: Deadline) => Promise<RebuildHands>
  /**
   * Where a prober stands that reaches Services of a cluster by their addresses, away from the nodes that are about to
   * be lost. Undefined where there is no such place; Services are then asked through the API server.
   */
  placeOn?: (cluster: ClusterName, without: readonly string[]) => Promise<Place>
  /** The same on the network of a meshed pod, whose proxy then carries what the prober sends. */
  placeInMesh?: (pod: { node: string; containerID: string }) => Promise<Place>
  /** Lines about the machines of these clusters that have to be the same before and after. */
  picture: (clusters: readonly ClusterName[]) => Promise<string[]>
  /** Image of the workloads that a scenario brings. */
  workloadImage: string
}
