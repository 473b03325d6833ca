// How long the server has been there, and whether it is on its way out.

export class Life {
  readonly #begun = performance.now()
  /** Set when the server is being stopped: /health then answers 503, so that balancers send their clients elsewhere. */
  isClosing = false

  get seconds(): number {
    return (performance.now() - this.#begun) / 1000
  }
}
