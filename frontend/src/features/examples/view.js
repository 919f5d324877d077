/** The products that hits should resemble or not, as small pictures that can be taken away. */

import { h, icon, redraw, the } from "../../shared/dom.js";
import { sized } from "../../shared/format.js";
import { withExample } from "../query/state.js";

/** @import { Product } from "../../api/types.js" */
/** @import { App, AppState } from "../../app.js" */
/** @import { Example, Query } from "../query/state.js" */

/** @param {App} app */
export function examplesView(app) {
  const root = the("examples", HTMLElement);
  /** @type {[Query["examples"], AppState["products"]] | null} */
  let drawn = null;

  /** @param {AppState} state */
  return ({ query: { examples }, products }) => {
    if (drawn !== null && drawn[0] === examples && (drawn[1] === products || examples.length === 0)) return;
    drawn = [examples, products];
    root.hidden = examples.length === 0;
    redraw(root, ...[true, false].flatMap((more) => row(app, examples, products, more)));
  };
}

/**
 * @param {App} app
 * @param {Example[]} examples
 * @param {AppState["products"]} products
 * @param {boolean} more
 */
function row(app, examples, products, more) {
  const these = examples.filter((one) => one.more === more);
  if (these.length === 0) return [];
  const title = more ? "More like" : "Less like";
  const pictures = these.map(({ id }) => example(app, id, products.get(id), more));
  return [
    h(
      "div",
      { class: "group", role: "group", "aria-label": title },
      h("h3", { class: "label" }, title),
      h("div", { class: "chips" }, ...pictures),
    ),
  ];
}

/**
 * @param {App} app
 * @param {string} id
 * @param {Product | undefined} product
 * @param {boolean} more
 */
function example(app, id, product, more) {
  const title = product?.title ?? id;
  const src = sized(product?.pictures?.[0], 160);
  return h(
    "button",
    {
      class: more ? "example" : "example less",
      type: "button",
      title: `${title}: take it away`,
      "aria-label": `${more ? "More" : "Less"} like ${title}: take it away`,
      "data-key": `example-${id}`,
      onclick: () => app.change((query) => withExample(query, id, more)),
    },
    src !== null && h("img", { src, alt: "", width: 160, height: 160 }),
    icon("close"),
  );
}
