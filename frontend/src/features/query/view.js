/** The words, the order, and the weight between words and picture. */

import { suggest } from "../../api/client.js";
import { ApiProblem, isAbort } from "../../api/problem.js";
import { h, the } from "../../shared/dom.js";
import { delayed, latest } from "../../shared/latest.js";
import { asksForSomething, looksAtPictures } from "./state.js";

/** @import { App, AppState } from "../../app.js" */

const TYPING_PAUSE = 300;
const SUGGEST_PAUSE = 120;
const DEFAULT_BALANCE = 0.7;

/** @param {App} app */
export function queryView(app) {
  const words = the("words", HTMLInputElement);
  const sort = the("sort", HTMLSelectElement);
  const range = the("balance-range", HTMLInputElement);
  const balance = the("balance", HTMLElement);

  words.addEventListener("input", () => {
    app.change((query) => ({ ...query, words: words.value }), TYPING_PAUSE);
  });
  the("words-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    app.change((query) => ({ ...query, words: words.value }));
  });
  sort.addEventListener("change", () => app.change((query) => ({ ...query, sort: sort.value })));
  range.addEventListener("input", () => {
    app.change((query) => ({ ...query, balance: Number(range.value) / 100 }), TYPING_PAUSE);
  });
  suggestions(words, the("suggestions", HTMLDataListElement));

  /** @param {AppState} state */
  return ({ query }) => {
    // Never while somebody types: the caret would jump.
    if (document.activeElement !== words || words.value.trim() !== query.words.trim()) words.value = query.words;
    if (document.activeElement !== range) range.value = String(Math.round((query.balance ?? DEFAULT_BALANCE) * 100));
    range.setAttribute("aria-valuetext", `${range.value}% picture, ${100 - Number(range.value)}% words`);
    balance.hidden = !(looksAtPictures(query) && query.words.trim() !== "");
    drawSort(sort, query.sort, asksForSomething(query));
  };
}

/**
 * @param {HTMLSelectElement} select
 * @param {string} sort
 * @param {boolean} asked without a question there is no best match: the catalogue then comes newest first
 */
function drawSort(select, sort, asked) {
  for (const option of select.options) {
    if (option.value === "relevance") option.textContent = asked ? "Best match" : "Newest";
    if (option.value === "newest") option.hidden = !asked && sort !== "newest";
  }
  // A shared address may name a field that the list does not offer.
  if (![...select.options].some((one) => one.value === sort)) select.append(h("option", { value: sort }, sort));
  select.value = sort;
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLDataListElement} list
 */
function suggestions(input, list) {
  const asking = latest(async (signal) => {
    try {
      const found = await suggest(signal, input.value.trim());
      list.replaceChildren(...found.map(({ text, kind }) => h("option", { value: text }, kind)));
    } catch (error) {
      // Suggestions are a courtesy: the search itself will tell of any trouble.
      if (!isAbort(error) && !(error instanceof ApiProblem)) throw error;
    }
  });
  const soon = delayed(() => void asking.start());
  input.addEventListener("input", () => {
    asking.cancel();
    if (input.value.trim().length >= 2) soon.ask(SUGGEST_PAUSE);
    else {
      soon.cancel();
      list.replaceChildren();
    }
  });
}
