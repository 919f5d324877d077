/** Prices: bars that can be chosen, and two figures for those who know what they want to spend. */

import { h } from "../../shared/dom.js";
import { money, whole } from "../../shared/format.js";
import { withPrice } from "../query/state.js";
import { priceSteps } from "./state.js";

/** @import { FacetCount } from "../../api/types.js" */
/** @import { App } from "../../app.js" */
/** @import { PriceRange } from "../query/state.js" */
/** @import { PriceStep } from "./state.js" */

/** @param {App} app */
export function priceForm(app) {
  const from = field("from", "Lowest price", "from");
  const to = field("to", "Highest price", "to");
  const figure = (/** @type {HTMLInputElement} */ input) => {
    const value = input.valueAsNumber;
    return Number.isFinite(value) && value >= 0 ? value : null;
  };
  const form = h(
    "form",
    {
      class: "price-form",
      action: "/",
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        app.change((query) => withPrice(query, figure(from), figure(to)));
      },
    },
    from,
    h("span", { "aria-hidden": "true" }, "–"),
    to,
    h("button", { class: "button small", type: "submit", "data-key": "price-go" }, "Go"),
  );
  /** @type {PriceRange | null | undefined} */
  let shown;

  /**
   * @param {FacetCount[]} counts
   * @param {PriceRange | null} price
   * @param {string | undefined} currency
   * @returns {HTMLElement | null}
   */
  return (counts, price, currency) => {
    const steps = priceSteps(counts, price);
    if (steps.length === 0 && price === null) return null;
    if (price !== shown) {
      shown = price;
      from.value = price?.from == null ? "" : String(price.from);
      to.value = price?.to == null ? "" : String(price.to);
    }
    const bars = steps.map((step) => bar(app, step, price, currency));
    return h(
      "div",
      { class: "facet", role: "group", "aria-label": "Price", "data-field": "price" },
      h("h3", { class: "facet-heading" }, "Price"),
      steps.length > 1 && h("div", { class: "price-bars" }, ...bars),
      form,
    );
  };
}

/**
 * @param {string} key
 * @param {string} name
 * @param {string} placeholder
 */
function field(key, name, placeholder) {
  return h("input", {
    class: "field",
    type: "number",
    min: 0,
    step: "any",
    inputmode: "decimal",
    placeholder,
    "aria-label": name,
    "data-key": `price-${key}`,
  });
}

/**
 * @param {App} app
 * @param {PriceStep} step
 * @param {PriceRange | null} price
 * @param {string | undefined} currency
 */
function bar(app, { from, to, count, share, chosen }, price, currency) {
  const range = to === null ? `${money(from, currency)} and more` : `${money(from, currency)} to ${money(to, currency)}`;
  const only = price !== null && (price.from ?? 0) === from && price.to === to;
  const fill = h("span");
  fill.style.height = `${Math.round(share * 100)}%`;
  return h(
    "button",
    {
      class: "price-bar",
      type: "button",
      title: `${range}: ${whole(count)}`,
      "aria-label": `${range}, ${whole(count)} products`,
      "aria-pressed": String(chosen),
      "data-key": `price-${from}`,
      onclick: () => app.change((query) => (only ? withPrice(query, null, null) : withPrice(query, from, to))),
    },
    fill,
  );
}
