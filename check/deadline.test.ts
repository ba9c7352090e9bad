import { describe, expect, test } from 'vitest'
import { before, deadlineIn } from './deadline.ts'

const never = new Promise<never>(() => {})

describe('a deadline', () => {
  test('lets through what ends in time', async () => {
    await expect(before(deadlineIn(60_000), 'reading', Promise.resolve(7))).resolves.toBe(7)
  })

  test('ends what does not, and says what it was', async () => {
    await expect(before(deadlineIn(5), 'reading pods', never)).rejects.toThrow('reading pods: did not end in time')
  })

  test('is over at once when its parent was cancelled: a budget inside a budget cannot outlive it', async () => {
    const parent = new AbortController()
    parent.abort()
    const deadline = deadlineIn(60_000, parent.signal)
    expect(deadline.signal.aborted).toBe(true)
    await expect(before(deadline, 'reading pods', never)).rejects.toThrow('reading pods: no time was left')
  })

  test('keeps the failure of what failed by itself', async () => {
    await expect(before(deadlineIn(60_000), 'reading', Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  })
})
