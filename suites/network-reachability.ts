import { check } from '../check/check.ts'
import { reachability } from '../cluster/kinds/observations.ts'

export const podsReachEachOther = check({
  claim: 'NET-02',
  fact: 'probes on all nodes reach each other and their Service, by address and by name',
  reads: { requests: reachability },
  population: 'kinds of requests, each sent three times',
  // From every node to every node, to the Service's address and to its name.
  atLeast: ({ documented }) => documented.nodes.length * (documented.nodes.length + 2),
  because: 'every node asks every node, the Service by address, and the Service by name',
  expected: 'an answer from the probe that was asked, three times in a row',
  subjects: (read) => read.requests,
  name: ({ metadata }) => ({
    subject: metadata.name,
    look: 'get nodes,pods -A -o wide',
  }),
  holds: ({ attempt }) => attempt.outcome === 'answered' || `${attempt.outcome}: ${attempt.detail}`,
})
