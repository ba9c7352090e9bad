import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { readSamples } from './k6-samples.ts'
import { runK6 } from './k6.ts'

const header = 'metric_name,timestamp,metric_value,expected_response,scenario,status,extra_tags,metadata'
const csv = [
  header,
  'http_req_duration,1,900.000000,true,warm-up,200,,',
  'http_req_failed,1,1.000000,true,warm-up,0,,',
  'dropped_iterations,1,5.000000,,warm-up,,,',
  'http_req_duration,2,1.500000,true,measured,200,,',
  'http_req_failed,2,0.000000,true,measured,200,,',
  'http_req_waiting,2,70.000000,true,measured,200,,',
  'http_req_duration,3,2.500000,false,measured,500,,',
  'http_req_failed,3,1.000000,false,measured,500,,',
  'dropped_iterations,3,2.000000,,measured,,,',
  'vus,3,10.000000,,,,,',
].join('\n')
const load = { target: 'http://localhost:1/', rate: 2, warmUpSeconds: 1, seconds: 1 }
const going = new AbortController().signal

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k6-test-'))
  vi.stubEnv('TMPDIR', folder)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true })
})

/** A program that says what k6 would say, and ends like it. */
async function endingWith(lines: string): Promise<string> {
  const program = join(folder, 'k6')
  const findFile = 'for word in "$@"; do case "$word" in csv=*) file="${word#csv=}";; esac; done'
  await writeFile(program, `#!/bin/sh\n${findFile}\n${lines}\n`)
  await chmod(program, 0o755)
  return program
}

const writing = `cat > "$file" <<'CSV'\n${csv}\nCSV`

test('samples are the requests of the measured scenario, without the warm-up', async () => {
  await writeFile(join(folder, 'samples.csv'), csv)
  const { latencies, failed, dropped } = await readSamples(join(folder, 'samples.csv'))
  expect([latencies.count, failed, dropped]).toEqual([2, 1, 2])
  expect(latencies.percentiles().p50).toBeCloseTo(1.5, 2)
})

test('a file without the columns is refused', async () => {
  await writeFile(join(folder, 'samples.csv'), 'name,value\na,1')
  await expect(readSamples(join(folder, 'samples.csv'))).rejects.toThrow('k6 wrote no CSV with metric_name')
})

describe('k6', () => {
  test.each([0, 99, 108])('that ends with %i has measured, and leaves no file', async (code) => {
    const { latencies } = await runK6(await endingWith(`${writing}\nexit ${code}`), load, going)
    expect(latencies.count).toBe(2)
    expect(await readdir(folder)).toEqual(['k6'])
  })

  test('that could not work is an error with its last lines, never an empty measurement', async () => {
    const program = await endingWith(`${writing}\necho 'script exception' >&2\nexit 107`)
    await expect(runK6(program, load, going)).rejects.toThrow(/^k6 ended with 107: script exception/)
    expect(await readdir(folder)).toEqual(['k6'])
  })

  test('that is cancelled ends, and leaves no file', async () => {
    const program = await endingWith('exec sleep 60')
    const leave = new AbortController()
    const running = runK6(program, load, leave.signal)
    setTimeout(() => leave.abort(new Error('cancelled')), 300)
    await expect(running).rejects.toThrow('cancelled')
    expect(await readdir(folder)).toEqual(['k6'])
  })
})
