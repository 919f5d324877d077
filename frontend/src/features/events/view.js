/** Watches which products are seen and opened, where that is to be reported. Draws nothing. */

import { the } from "../../shared/dom.js";
import { reporting } from "./state.js";

/** @import { ShopperEvent } from "../../api/types.js" */
/** @import { App } from "../../app.js" */

const SEEN_SHARE = 0.5;
const OPENERS = ".card-link, [data-key^='look-']";

/**
 * @param {App} app
 * @param {(events: ShopperEvent[]) => void} send
 */
export function eventsView(app, send) {
  const grid = the("grid", HTMLUListElement);
  const told = reporting(send, (act, milliseconds) => void setTimeout(act, milliseconds));
  /** @type {WeakSet<Element>} */
  const watched = new WeakSet();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) did("view", target);
    },
    { threshold: SEEN_SHARE },
  );

  /**
   * @param {"view" | "click"} action
   * @param {Element} card
   */
  function did(action, card) {
    const id = card.getAttribute("data-id");
    if (id !== null) told.did(action, app.state.results, id);
  }

  /** @param {MouseEvent} event */
  function opened({ target, type, button }) {
    if (!(target instanceof Element) || (type === "auxclick" && button !== 1)) return;
    const card = target.closest(OPENERS)?.closest(".card");
    if (card) did("click", card);
  }
  grid.addEventListener("click", opened);
  grid.addEventListener("auxclick", opened);
  // A page that is hidden may never be shown again.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") told.flush();
  });

  return () => {
    for (const card of grid.querySelectorAll(".card[data-id]")) {
      if (watched.has(card)) continue;
      watched.add(card);
      watcher.observe(card);
    }
  };
}
