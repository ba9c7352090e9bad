import { writeFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { messageOf } from '../check/error-message.ts'
import { exitCodes } from '../check/outcome.ts'
import { layoutIn } from '../fixtures/pair/layout.ts'
import { ensurePrograms } from '../fixtures/pair/programs/programs.ts'
import { createProgress } from '../fixtures/pair/progress.ts'
import type { Fault } from './calibration.ts'
import { calibrate, faults } from './calibration.ts'
import { blockText, foundText } from './figures.ts'
import { runK6 } from './k6.ts'
import { percentiles } from './latencies.ts'
import { randomFrom } from './random.ts'
import { ratioPicture } from './pictures.ts'
import { fewestBlocks } from './verdict.ts'

const atLeast = (least: number) => (text: string) => {
  const value = Number(text)
  if (text.trim() === '' || !(value >= least)) throw new InvalidArgumentError(`a number, ${least} or more.`)
  return value
}
const wholeAtLeast = (least: number) => (text: string) => {
  const value = atLeast(least)(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('a whole number.')
  return value
}
const greatestSeed = 2 ** 31

const command = new Command('pnpm load:calibrate')
  .description(
    'Measures a delay that is known, on this machine: what the experiment finds of it, and what it must refuse.',
  )
  .option('--delay <ms>', 'put into the treated arm; 0: two identical arms', atLeast(0), 0)
  .option('--runs <count>', 'how often it is done anew', wholeAtLeast(1), 1)
  .option('--blocks <count>', 'in each run', wholeAtLeast(fewestBlocks), fewestBlocks)
  .option('--rate <count>', 'requests per second', wholeAtLeast(1), 500)
  .option('--seconds <count>', 'measured, in each arm of each block', wholeAtLeast(1), 3)
  .option('--warm-up <seconds>', 'before it, discarded', wholeAtLeast(1), 1)
  .option('--seed <number>', 'of the order of the arms and of the bootstrap', wholeAtLeast(0))
  .option('--picture <file>', 'an SVG of the last run that has a result')
  .addOption(new Option('--fault <kind>', 'done on purpose, so that it is noticed').choices(faults))
  .showHelpAfterError('(add --help for what is possible)')
  .exitOverride()

type Flags = {
  delay: number
  runs: number
  blocks: number
  rate: number
  seconds: number
  warmUp: number
  seed?: number
  picture?: string
  fault?: Fault
}

const leave = new AbortController()
const stop = () => leave.abort(new Error('cancelled: the load has ended'))
// Not once: execa raises the signal anew when it finds no other listener, and then nothing is tidied.
process.on('SIGINT', stop).on('SIGTERM', stop)

try {
  command.parse()
  process.exitCode = await run(command.opts<Flags>())
} catch (error) {
  if (!(error instanceof Error && 'exitCode' in error)) console.error(messageOf(error))
  process.exitCode = error instanceof Error && 'exitCode' in error && error.exitCode === 0 ? 0 : exitCodes.setup
}

async function run({ delay, runs, blocks, rate, seconds, warmUp, seed, picture, fault }: Flags): Promise<number> {
  const progress = createProgress({ output: process.stderr })
  const programs = ensurePrograms({ names: ['k6'], cache: layoutIn().home, progress, signal: leave.signal })
  const { k6 } = await programs.finally(() => progress.stop())
  const chosenSeed = seed ?? Math.floor(Math.random() * greatestSeed)
  const random = randomFrom(chosenSeed)
  const loads = runs * blocks * 2
  const minutes = (loads * (seconds + warmUp)) / 60
  console.log(
    `${loads * rate * (seconds + warmUp)} requests in ${loads} loads, ${minutes.toFixed(1)} minutes and a little more; seed ${chosenSeed}`,
  )
  const beside = { p50: 0, p95: 0, p99: 0 }
  let withoutResult = 0
  for (let index = 1; index <= runs; index += 1) {
    // oxlint-disable-next-line no-await-in-loop -- at once they would measure each other
    const calibrated = await calibrate({
      delayMs: delay,
      fault,
      blocks,
      load: { rate, warmUpSeconds: warmUp, seconds },
      random,
      runK6: (load) => runK6(k6, load, leave.signal),
      onBlock: (block, reasons) => console.log(`  ${blockText(block, reasons)}`),
    })
    console.log(
      foundText(calibrated)
        .map((line) => `run ${index}  ${line}`)
        .join('\n'),
    )
    const { found } = calibrated
    if (found === undefined) withoutResult += 1
    else if (picture !== undefined) {
      const title = `${delay} ms in one arm: treated over control, ${calibrated.counted.length} blocks at ${rate} per second`
      const ratios = Object.fromEntries(percentiles.flatMap((one) => (found[one] ? [[one, found[one].ratio]] : [])))
      // oxlint-disable-next-line no-await-in-loop
      await writeFile(picture, ratioPicture(title, calibrated.counted, ratios))
    }
    for (const percentile of percentiles) {
      const interval = found?.[percentile]?.differenceMs
      if (interval && (interval.lower > delay || interval.upper < delay)) beside[percentile] += 1
    }
  }
  const missed = percentiles.map((percentile) => `${percentile} ${beside[percentile]}`).join(', ')
  console.log(`${runs} runs, ${withoutResult} without a result; intervals that miss the ${delay} ms: ${missed}`)
  return withoutResult > 0 ? exitCodes.inconclusive : exitCodes.conforming
}
