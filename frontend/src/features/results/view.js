/** The grid of cards with its states: waiting, searching, found, nothing, broken. */

import { h, icon, redraw, the } from "../../shared/dom.js";
import { whole } from "../../shared/format.js";
import { filterCount, withExample, withoutFilters } from "../query/state.js";
import { card, ghost } from "./card.js";
import { announcement, countText } from "./state.js";

/** @import { Hit } from "../../api/types.js" */
/** @import { ApiProblem } from "../../api/problem.js" */
/** @import { App, AppState } from "../../app.js" */
/** @import { Query } from "../query/state.js" */
/** @import { CardActions } from "./card.js" */

const GHOSTS = 12;

/**
 * @param {App} app
 * @param {(hit: Hit) => void} details
 */
export function resultsView(app, details) {
  const grid = the("grid", HTMLUListElement);
  const more = the("more", HTMLButtonElement);
  const status = the("status", HTMLElement);
  const progress = the("progress", HTMLElement);
  /** @type {CardActions} */
  const actions = {
    details,
    example(id, like) {
      app.change((query) => withExample(query, id, like));
      // The hits change from the top: whoever stands further down would not see it.
      const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
      the("results", HTMLElement).scrollIntoView({ block: "start", behavior });
    },
  };
  const problem = problemView(app);
  const nothing = nothingView(app);
  /** @type {{hits: Hit[] | null, examples: Query["examples"]}} */
  let drawn = { hits: null, examples: [] };

  more.addEventListener("click", async () => {
    const before = app.state.results.hits.length;
    await app.more();
    const next = app.state.results.hits[before];
    if (next === undefined) return;
    // The button has moved below the new cards; reading goes on at the first of them.
    for (const one of grid.querySelectorAll(".card-link")) {
      if (one instanceof HTMLElement && one.dataset["key"] === `card-${next.id}`) one.focus({ preventScroll: true });
    }
  });

  /** @param {AppState} state */
  function drawCards({ results: { hits }, query: { examples } }) {
    if (drawn.hits === hits && drawn.examples === examples) return;
    const said = new Map(examples.map((one) => [one.id, one.more]));
    const make = (/** @type {Hit} */ hit) => card(hit, said.get(hit.id), actions);
    const shown = drawn.hits;
    const longer = shown !== null && shown.length > 0 && hits.length > shown.length && shown.every((hit, n) => hit === hits[n]);
    if (longer && drawn.examples === examples) grid.append(...hits.slice(shown.length).map(make));
    else redraw(grid, ...hits.map(make));
    drawn = { hits, examples };
  }

  /** @param {AppState} state */
  return (state) => {
    const { results, picture, query } = state;
    const sending = picture.phase === "sending";
    const waiting = results.phase === "waiting" || (sending && query.upload === null && results.hits.length === 0);
    if (waiting) {
      if (drawn.hits !== null || grid.childElementCount === 0) grid.replaceChildren(...Array.from({ length: GHOSTS }, ghost));
      drawn = { hits: null, examples: [] };
    } else drawCards(state);
    const busy = waiting || sending || results.phase === "searching";
    grid.setAttribute("aria-busy", String(busy && !waiting));
    grid.hidden = !waiting && results.hits.length === 0;
    progress.hidden = !busy && results.phase !== "paging";
    more.hidden = results.next === null || waiting || results.phase === "failed";
    more.setAttribute("aria-disabled", String(results.phase === "paging"));
    more.textContent = results.phase === "paging" ? "One moment…" : "Show more";
    const empty = results.phase === "failed" && results.hits.length === 0;
    the("count", HTMLElement).textContent = waiting ? "Looking…" : empty ? "Products" : countText(results);
    the("took", HTMLElement).textContent = waiting || results.tookMs === null ? "" : `in ${whole(Math.round(results.tookMs))} ms`;
    drawNotices(results.notices);
    problem(results.problem);
    nothing(state);
    const words = sending ? "Looking at your picture." : announcement(results);
    if (words !== "" && status.textContent !== words) status.textContent = words;
  };
}

/** @param {string[]} notices */
function drawNotices(notices) {
  const root = the("notices", HTMLUListElement);
  root.hidden = notices.length === 0;
  root.replaceChildren(...notices.map((notice) => h("li", {}, notice)));
}

/** @param {App} app */
function problemView(app) {
  const root = the("problem", HTMLElement);
  /** @type {ApiProblem | null} */
  let shown = null;

  /** @param {ApiProblem | null} problem */
  return (problem) => {
    if (problem === shown) return;
    shown = problem;
    if (problem === null) {
      root.replaceChildren();
      return;
    }
    const places = problem.errors.filter((one) => one.message !== problem.detail);
    root.replaceChildren(
      h(
        "div",
        { class: "alert-words" },
        h("p", { class: "alert-title" }, problem.title),
        h("p", {}, problem.detail),
        ...places.map(({ at, message }) => h("p", { class: "fine" }, at ? `${at}: ${message}` : message)),
      ),
      problem.passing
        ? h("button", { class: "button small", type: "button", onclick: () => void app.retry() }, "Try again")
        : h("button", { class: "button small", type: "button", onclick: () => app.startOver() }, "Start over"),
    );
  };
}

/** @param {App} app */
function nothingView(app) {
  const root = the("nothing", HTMLElement);
  let shown = "";

  /** @param {AppState} state */
  return ({ results, query }) => {
    const empty = results.phase === "ready" && results.hits.length === 0;
    root.hidden = !empty;
    const filters = filterCount(query);
    const key = empty ? `${filters > 0} ${query.words.trim() !== ""} ${query.tags.length + query.notTags.length > 0}` : "";
    if (key === shown) return;
    shown = key;
    if (!empty) return;
    const buttons = [];
    if (filters > 0) buttons.push(action("Clear the filters", () => app.change(withoutFilters)));
    if (query.words.trim() !== "") buttons.push(action("Clear the words", () => app.change((now) => ({ ...now, words: "" }))));
    if (query.tags.length + query.notTags.length > 0) {
      buttons.push(action("Clear the tags", () => app.change((now) => ({ ...now, tags: [], notTags: [] }))));
    }
    root.replaceChildren(
      icon("search"),
      h("h3", {}, buttons.length > 0 ? "Nothing matches all of this" : "There is nothing here yet"),
      h(
        "p",
        { class: "fine" },
        buttons.length > 0 ? "Take something away, or start with a picture." : "Products show up as soon as they are indexed.",
      ),
      h("div", { class: "nothing-buttons" }, ...buttons),
    );
  };
}

/**
 * @param {string} words
 * @param {() => void} onclick
 */
function action(words, onclick) {
  return h("button", { class: "button", type: "button", onclick }, words);
}
