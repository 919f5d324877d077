/** What shoppers saw and opened, on its way to the server: once a search and product, in batches. Nothing of it says who they are. */

/** @import { ShopperEvent } from "../../api/types.js" */
/** @import { Results } from "../results/state.js" */

export const MOST_AT_ONCE = 100;
const WAIT_MS = 2000;

/**
 * Whether to report at all: the shop wants it, and the shopper has not asked not to be tracked.
 *
 * @param {string | null} setting of the page, by the server: "on" or "off"
 * @param {{doNotTrack?: string | null, globalPrivacyControl?: unknown}} navigator
 */
export function wanted(setting, navigator) {
  return setting === "on" && navigator.doNotTrack !== "1" && navigator.globalPrivacyControl !== true;
}

/**
 * The search that brought a hit, and its place among the hits, from 1.
 *
 * @param {Results} results
 * @param {string} id
 * @returns {Pick<ShopperEvent, "query_id" | "position"> | null} null where it is not shown
 */
export function shownBy({ hits, answers }, id) {
  const place = hits.findIndex((hit) => hit.id === id);
  if (place < 0) return null;
  const query = answers.findLast(({ from }) => from <= place)?.query ?? null;
  return query === null ? { position: place + 1 } : { query_id: query, position: place + 1 };
}

/**
 * @param {(events: ShopperEvent[]) => void} send
 * @param {(act: () => void, milliseconds: number) => void} later
 */
export function reporting(send, later) {
  /** @type {ShopperEvent[]} */
  let waiting = [];
  let timed = false;
  /** What was reported of the hits that are shown, which is as much as can be reported again. */
  let told = { results: /** @type {unknown} */ (null), keys: /** @type {Set<string>} */ (new Set()) };

  function flush() {
    timed = false;
    while (waiting.length > 0) {
      send(waiting.slice(0, MOST_AT_ONCE));
      waiting = waiting.slice(MOST_AT_ONCE);
    }
  }

  return {
    flush,

    /**
     * @param {"view" | "click"} action
     * @param {Results} results in which the product is shown
     * @param {string} id
     */
    did(action, results, id) {
      const shown = shownBy(results, id);
      if (shown === null) return;
      const first = results.answers[0];
      if (told.results !== first) told = { results: first, keys: new Set() };
      const key = `${action} ${id}`;
      if (told.keys.has(key)) return;
      told.keys.add(key);
      waiting.push({ action_name: action, object_id: id, ...shown, timestamp: new Date().toISOString() });
      // Whoever opens a product may be gone in a moment.
      if (action === "click") flush();
      else if (!timed) {
        timed = true;
        later(flush, WAIT_MS);
      }
    },
  };
}
