import type { Duplex } from 'node:stream'
import RedisParser from 'redis-parser'

export type Reply = string | number | null | Reply[]

/** Sends one command. An error that the server answers with is thrown, as `Error` with its words. */
export type Command = (...words: readonly string[]) => Promise<Reply>

/** A session with a server that speaks Redis' protocol (RESP 2) over a stream, for as long as `use` takes. */
export async function withRedis<T>(open: () => Duplex, use: (command: Command) => Promise<T>): Promise<T> {
  const stream = open()
  const waiting: PromiseWithResolvers<Reply>[] = []
  const fail = (error: Error) => {
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  const parser = new RedisParser({
    returnReply: (reply: Reply) => waiting.shift()?.resolve(reply),
    returnError: (error: Error) => waiting.shift()?.reject(error),
    returnFatalError: (error: Error) => {
      fail(new Error(`what answers does not speak Redis' protocol: ${error.message}`))
      stream.destroy()
    },
  })
  stream.on('data', (chunk: Buffer) => parser.execute(chunk))
  stream.on('error', fail)
  stream.on('close', () => fail(new Error('the connection was closed')))
  try {
    return await use((...words) => {
      const answer = Promise.withResolvers<Reply>()
      if (stream.destroyed) throw new Error('the connection was closed')
      waiting.push(answer)
      stream.write(encode(words))
      return answer.promise
    })
  } finally {
    stream.destroy()
  }
}

/** A command as RESP has it: an array of strings, each with its length in bytes. */
export const encode = (words: readonly string[]): string =>
  [`*${words.length}`, ...words.flatMap((word) => [`$${Buffer.byteLength(word)}`, word]), ''].join('\r\n')
