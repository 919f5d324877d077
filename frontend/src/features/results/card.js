/** One product found. */

import { h, icon } from "../../shared/dom.js";
import { leaf, money, percent, sized, webAddress } from "../../shared/format.js";

/** @import { Hit, Product } from "../../api/types.js" */

const CARD_PIXELS = 320;

/**
 * @typedef {object} CardActions
 * @property {(id: string, more: boolean) => void} example
 * @property {(hit: Hit) => void} details
 */

/**
 * @param {Hit} hit
 * @param {boolean | undefined} example whether it already is one: more, less, or neither
 * @param {CardActions} actions
 */
export function card(hit, example, actions) {
  const { id, product, similarity } = hit;
  const title = product.title ?? id;
  return h(
    "li",
    { class: product.in_stock === false ? "card sold-out" : "card", "data-id": id },
    h(
      "div",
      { class: "card-picture" },
      picture(product, hit.picture ?? 0, title),
      typeof similarity === "number" && h("span", { class: "badge", title: "How alike the pictures are" }, `${percent(similarity)} alike`),
    ),
    h(
      "div",
      { class: "card-body" },
      product.brand !== undefined && h("p", { class: "card-brand" }, product.brand),
      h("h3", { class: "card-title" }, link(hit, title, actions)),
      product.category !== undefined && h("p", { class: "card-category", title: product.category }, leaf(product.category)),
      h(
        "p",
        { class: "card-price" },
        product.price === undefined ? null : money(product.price, product.currency),
        product.in_stock === false && h("span", { class: "sold" }, " Sold out"),
      ),
    ),
    h(
      "div",
      { class: "card-actions" },
      act("plus", "More", `More like ${title}`, example === true, `more-${id}`, () => actions.example(id, true)),
      act("minus", "Less", `Less like ${title}`, example === false, `less-${id}`, () => actions.example(id, false)),
      act("info", null, `Look closer at ${title}`, null, `look-${id}`, () => actions.details(hit)),
    ),
  );
}

/**
 * To the shop where the product has a page there, else to a closer look here.
 *
 * @param {Hit} hit
 * @param {string} title
 * @param {CardActions} actions
 */
function link(hit, title, actions) {
  const href = webAddress(hit.product.url);
  const key = `card-${hit.id}`;
  const text = h("span", {}, title);
  if (href === null) {
    return h("button", { class: "plain card-link", type: "button", "data-key": key, onclick: () => actions.details(hit) }, text);
  }
  return h("a", { class: "card-link", href, target: "_blank", rel: "noopener noreferrer", "data-key": key }, text);
}

/**
 * @param {Product} product
 * @param {number} which
 * @param {string} alt
 * @returns {HTMLElement}
 */
export function picture(product, which, alt) {
  const reference = product.pictures?.[which] ?? product.pictures?.[0];
  const src = sized(reference, CARD_PIXELS);
  const missing = () => h("div", { class: "picture-missing" }, icon("bag"));
  if (src === null) return missing();
  const image = h("img", {
    src,
    srcset: `${src} 1x, ${sized(reference, CARD_PIXELS * 2)} 2x`,
    alt,
    width: CARD_PIXELS,
    height: CARD_PIXELS,
    loading: "lazy",
    decoding: "async",
  });
  image.addEventListener("error", () => image.replaceWith(missing()), { once: true });
  return image;
}

/**
 * @param {string} drawing
 * @param {string | null} words
 * @param {string} name
 * @param {boolean | null} pressed null for what is no switch
 * @param {string} key
 * @param {() => void} onclick
 */
function act(drawing, words, name, pressed, key, onclick) {
  return h(
    "button",
    {
      class: drawing === "minus" ? "act less" : "act",
      type: "button",
      title: name,
      "aria-label": name,
      "aria-pressed": pressed === null ? null : String(pressed),
      "data-key": key,
      onclick,
    },
    icon(drawing),
    words !== null && h("span", { class: "act-words" }, words),
  );
}

/** The shape of a card, while the real ones are on their way. */
export function ghost() {
  return h(
    "li",
    { class: "card ghost", "aria-hidden": "true" },
    h("div", { class: "card-picture" }),
    h(
      "div",
      { class: "card-body" },
      h("div", { class: "ghost-line short" }),
      h("div", { class: "ghost-line" }),
      h("div", { class: "ghost-line short" }),
    ),
  );
}
