/** Work of which only the newest counts: starting it again calls off what was running. */

/**
 * @template {unknown[]} A
 * @param {(signal: AbortSignal, ...given: A) => Promise<void>} task
 */
export function latest(task) {
  /** @type {AbortController | null} */
  let running = null;
  return {
    /**
     * @param {A} given
     * @returns {Promise<void>}
     */
    async start(...given) {
      running?.abort();
      const mine = new AbortController();
      running = mine;
      try {
        await task(mine.signal, ...given);
      } finally {
        if (running === mine) running = null;
      }
    },
    cancel() {
      running?.abort();
      running = null;
    },
  };
}

/**
 * Calls `act` once `wait` milliseconds have gone by without another request for it.
 *
 * @param {() => void} act
 */
export function delayed(act) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return {
    /** @param {number} wait */
    ask(wait) {
      clearTimeout(timer);
      timer = setTimeout(act, wait);
    },
    cancel() {
      clearTimeout(timer);
    },
  };
}
