/** A closer look at one product: all its pictures, what the shop says of it, and why it was found. */

import { product as wholeProduct } from "../../api/client.js";
import { ApiProblem, isAbort } from "../../api/problem.js";
import { h, icon, the } from "../../shared/dom.js";
import { heading, money, percent, sized, webAddress } from "../../shared/format.js";
import { latest } from "../../shared/latest.js";
import { withExample } from "../query/state.js";

/** @import { Hit, Product } from "../../api/types.js" */
/** @import { App } from "../../app.js" */

const LARGE_PIXELS = 800;
const SIGNALS = /** @type {const} */ ([
  ["picture", "Picture"],
  ["text", "Words"],
  ["category", "Category"],
  ["colour", "Colour"],
]);

/**
 * @param {App} app
 * @returns {(hit: Hit) => void} opens it
 */
export function detailsView(app) {
  const dialog = the("details", HTMLDialogElement);
  const description = h("p", { class: "details-text" });
  // Hits come without their descriptions, which may be long.
  const describing = latest(async (signal, /** @type {string} */ id) => {
    try {
      description.textContent = (await wholeProduct(signal, id)).description ?? "";
    } catch (error) {
      if (!isAbort(error) && !(error instanceof ApiProblem)) throw error;
    }
  });
  dialog.addEventListener("close", () => describing.cancel());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  return (hit) => {
    const { id, product } = hit;
    const title = product.title ?? id;
    const href = webAddress(product.url);
    /** @param {boolean} more */
    const steer = (more) => () => {
      dialog.close();
      app.change((query) => withExample(query, id, more));
    };
    dialog.replaceChildren(
      h(
        "button",
        { class: "button round details-close", type: "button", "aria-label": "Close", onclick: () => dialog.close() },
        icon("close"),
      ),
      h(
        "div",
        { class: "details-body" },
        h("div", { class: "details-pictures" }, ...pictures(product, title)),
        h(
          "div",
          { class: "details-words" },
          product.brand !== undefined && h("p", { class: "card-brand" }, product.brand),
          h("h2", { class: "details-title", id: "details-title" }, title),
          h(
            "p",
            { class: "details-price" },
            product.price === undefined ? null : money(product.price, product.currency),
            product.in_stock === false && h("span", { class: "sold" }, " Sold out"),
          ),
          description,
          facts(product),
          h(
            "div",
            { class: "details-buttons" },
            href !== null &&
              h("a", { class: "button solid", href, target: "_blank", rel: "noopener noreferrer" }, "View in the shop", icon("out")),
            h("button", { class: "button", type: "button", onclick: steer(true) }, icon("plus"), "More like this"),
            h("button", { class: "button", type: "button", onclick: steer(false) }, icon("minus"), "Less like this"),
          ),
          why(hit),
        ),
      ),
    );
    description.textContent = product.description ?? "";
    if (product.description === undefined) void describing.start(id);
    dialog.showModal();
    dialog.scrollTop = 0;
  };
}

/**
 * @param {Product} product
 * @param {string} title
 */
function pictures(product, title) {
  const all = (product.pictures ?? []).map((one) => sized(one, LARGE_PIXELS)).filter((one) => one !== null);
  if (all.length === 0) return [h("div", { class: "picture-missing" }, icon("bag"))];
  const alt = (/** @type {number} */ n) => (all.length === 1 ? title : `${title}, picture ${n + 1}`);
  return all.map((src, n) => h("img", { src, alt: alt(n), loading: n === 0 ? "eager" : "lazy" }));
}

/** @param {Product} product */
function facts(product) {
  /** @type {[string, string][]} */
  const rows = [];
  if (product.category !== undefined) rows.push(["Category", product.category]);
  for (const [name, value] of Object.entries(product.attributes ?? {})) {
    rows.push([heading(name), (Array.isArray(value) ? value : [value]).map(told).join(", ")]);
  }
  if (product.tags !== undefined && product.tags.length > 0) rows.push(["Tags", product.tags.join(", ")]);
  return h("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** @param {import("../../api/types.js").Scalar} value */
function told(value) {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

/**
 * What each signal said, as bars and in the server's own sentences; nothing where nothing was asked that ranks products.
 *
 * @param {Hit} hit
 */
function why({ why: reasons, similarity }) {
  const rows = SIGNALS.flatMap(([key, name]) => signal(name, key === "picture" ? (similarity ?? reasons?.picture) : reasons?.[key]));
  if (rows.length === 0 && (reasons?.tags ?? []).length === 0) return null;
  return h(
    "section",
    { class: "why", "aria-label": "Why this product" },
    h("h3", {}, "Why this product"),
    ...rows,
    ...(reasons?.words ?? []).map((sentence) => h("p", { class: "fine" }, sentence)),
  );
}

/**
 * @param {string} name
 * @param {number | null | undefined} share
 */
function signal(name, share) {
  if (typeof share !== "number") return [];
  const meter = h("meter", { min: 0, max: 1, "aria-label": name });
  meter.value = Math.min(1, Math.max(0, share));
  return [h("div", { class: "why-row" }, h("span", {}, name), meter, h("span", {}, percent(share)))];
}
