import { z } from 'zod'

export const plainName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'one plain name: no wildcard, no list, nothing empty')
