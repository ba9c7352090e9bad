/** A place in a YAML file: `clusters.infra.nodes[0].address`. */
export const pathText = (path: readonly PropertyKey[]): string => path.reduce<string>(withStep, '')

function withStep(text: string, step: PropertyKey): string {
  if (typeof step === 'number') return `${text}[${step}]`
  return text === '' ? String(step) : `${text}.${String(step)}`
}
