// The server as seen from a page: URLs and responses. URLs are relative to the page, so that they work behind any proxy
// and under any path.

/** 'https://host/maps/', with its slash. */
export const root = new URL(document.documentElement.dataset['root'] ?? './', document.baseURI).href

export const addressOf = (id: string, rest = ''): string => `${root}${encodeURIComponent(id)}${rest}`

export const UNREACHABLE = 'The server cannot be reached.'

/** Why there is no response: one sentence to show. `status` is 0 when the server could not be reached. */
export class AnswerError extends Error {
  readonly status: number

  constructor(status: number, sentence: string) {
    super(sentence)
    this.name = 'AnswerError'
    this.status = status
  }
}

/** @throws AnswerError */
export async function getJson<T>(address: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(address, signal)
  const text = await response.text()
  if (!response.ok) throw new AnswerError(response.status, sentenceOf(text, response.status))
  try {
    return JSON.parse(text) as T
  } catch {
    throw new AnswerError(response.status, 'The response of the server is not JSON.')
  }
}

async function ask(address: string, signal?: AbortSignal): Promise<Response> {
  try {
    // the file may have changed since the browser cached the response; revalidating is cheap
    return await fetch(address, {
      headers: { Accept: 'application/json' },
      cache: 'no-cache',
      ...(signal ? { signal } : {}),
    })
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error
    throw new AnswerError(0, UNREACHABLE)
  }
}

/** What the server said, or a sentence about its status. */
export function sentenceOf(text: string, status: number): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown }
    if (typeof error === 'string') return error
  } catch {
    // the page of a proxy, not a sentence of the server
  }
  return `The server answered ${status}.`
}
