// Holds probes on the two contexts until it is killed: tests end it at any moment and look at what is left.
import { deadlineIn } from '../../check/deadline.ts'
import { connect } from '../connection.ts'
import { defaultProbeImage } from '../look.ts'
import { loadPlatform } from '../../platform/platform.ts'
import { newRun } from '../own-namespace.ts'
import { exportingLabels, raiseProbes } from './probes.ts'

const [kubeconfig = '', ...nodes] = process.argv.slice(2)
const site = async (context: string) => ({
  connection: await connect(kubeconfig, context),
  image: defaultProbeImage,
  nodes: nodes.filter((node) => node.startsWith(context)),
  exporting: exportingLabels(loadPlatform().names),
})
console.log('begins')
await raiseProbes(newRun(), { infra: await site('infra'), apps: await site('apps') }, deadlineIn(120_000))
console.log('raised')
setInterval(() => {}, 60_000)
