/** The filters with their counts: beside the products where there is room, in a sheet on a phone. */

import { h, icon, redraw, the } from "../../shared/dom.js";
import { heading, leaf, whole } from "../../shared/format.js";
import { filterCount, withFilter, withPrice } from "../query/state.js";
import { countText } from "../results/state.js";
import { priceForm } from "./price.js";
import { categoryTree, isOpen, toggled, toggledCategory, withChosen } from "./state.js";

/** @import { FacetCount, Scalar } from "../../api/types.js" */
/** @import { App, AppState } from "../../app.js" */
/** @import { Branch } from "./state.js" */

const SHOWN_VALUES = 7;

/** @param {App} app */
export function facetsView(app) {
  const root = the("facets", HTMLElement);
  const price = priceForm(app);
  /** Fields whose rarer values are shown as well. @type {Set<string>} */
  const unfolded = new Set();
  const sheet = filterSheet(root);
  /** @type {unknown[]} */
  let drawn = [];

  /** @param {AppState} state */
  function update(state) {
    const { query, results, attributes } = state;
    sheet(state);
    // Filters are drawn as soon as they are chosen, their counts when the answer is here.
    const news = [query.filters, query.price, results.facets, attributes];
    if (news.every((one, n) => one === drawn[n])) return;
    drawn = news;
    const fields = ["category", "brand", "price", "in_stock", ...attributes];
    const facets = fields.map((field) => {
      if (field === "price") return price(results.facets["price"] ?? [], query.price, currency(state));
      const counts = withChosen(results.facets[field] ?? [], query.filters[field] ?? []);
      if (counts.length === 0 || (counts.length === 1 && query.filters[field] === undefined)) return null;
      return field === "category" ? categories(counts, query.filters[field] ?? []) : values(field, counts, query.filters[field] ?? []);
    });
    redraw(root, ...facets.filter((one) => one !== null));
  }

  /**
   * @param {FacetCount[]} counts
   * @param {Scalar[]} chosen
   */
  function categories(counts, chosen) {
    const paths = chosen.map(String);
    /** @param {Branch} branch @returns {HTMLElement} */
    const row = (branch) =>
      h(
        "div",
        {},
        check("category", branch.path, branch.name, branch.count, paths.includes(branch.path), () =>
          app.change((query) => withFilter(query, "category", toggledCategory((query.filters["category"] ?? []).map(String), branch.path))),
        ),
        isOpen(branch, paths) && branch.below.length > 0 && h("div", { class: "facet-values" }, ...branch.below.map(row)),
      );
    const tree = categoryTree(counts);
    // A catalogue with a single root has its real choices one level down.
    const top = tree.length === 1 && tree[0] !== undefined && tree[0].below.length > 0 ? tree[0].below : tree;
    return facet("category", folded("category", top, (branch) => isOpen(branch, paths)).map(row), top.length);
  }

  /**
   * @param {string} field
   * @param {FacetCount[]} counts
   * @param {Scalar[]} chosen
   */
  function values(field, counts, chosen) {
    const rows = folded(field, counts, (one) => chosen.includes(one.value)).map(({ value, count }) =>
      check(field, value, valueName(field, value), count, chosen.includes(value), () =>
        app.change((query) => withFilter(query, field, toggled(query.filters[field] ?? [], value))),
      ),
    );
    return facet(field, rows, counts.length);
  }

  /**
   * The first few, and whatever is chosen further down.
   *
   * @template T
   * @param {string} field
   * @param {T[]} all
   * @param {(one: T) => boolean} isChosen
   */
  function folded(field, all, isChosen) {
    return unfolded.has(field) ? all : all.filter((one, n) => n < SHOWN_VALUES || isChosen(one));
  }

  /**
   * @param {string} field
   * @param {HTMLElement[]} rows
   * @param {number} total
   */
  function facet(field, rows, total) {
    const open = unfolded.has(field);
    const toggle = () => {
      if (open) unfolded.delete(field);
      else unfolded.add(field);
      drawn = [];
      update(app.state);
    };
    const name = FIELD_NAMES.get(field) ?? heading(field);
    return h(
      "div",
      { class: "facet", role: "group", "aria-label": name, "data-field": field },
      h("h3", { class: "facet-heading" }, name),
      h("div", { class: "facet-values" }, ...rows),
      total > SHOWN_VALUES &&
        h(
          "button",
          {
            class: "button quiet small facet-more",
            type: "button",
            "aria-expanded": String(open),
            "data-key": `unfold-${field}`,
            onclick: toggle,
          },
          open ? "Fewer" : `All ${whole(total)}`,
        ),
    );
  }

  const refinements = refinementsView(app);
  return (/** @type {AppState} */ state) => {
    update(state);
    refinements(state);
  };
}

const FIELD_NAMES = new Map([["in_stock", "Availability"]]);

/**
 * @param {string} field
 * @param {Scalar} value
 */
function valueName(field, value) {
  if (field === "in_stock") return value === true ? "In stock" : "Sold out";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  return typeof value === "number" ? whole(value) : value;
}

/**
 * @param {string} field
 * @param {Scalar} value
 * @param {string} name
 * @param {number} count
 * @param {boolean} checked
 * @param {() => void} onchange
 */
function check(field, value, name, count, checked, onchange) {
  const input = h("input", { type: "checkbox", "data-key": `${field}=${value}`, onchange });
  input.checked = checked;
  return h(
    "label",
    { class: "facet-value" },
    input,
    h("span", { class: "facet-name" }, name),
    h("span", { class: "facet-count" }, whole(count), h("span", { class: "visually-hidden" }, count === 1 ? " product" : " products")),
  );
}

/** The currency of what is shown, where it is only one. @param {AppState} state */
function currency({ results }) {
  const found = new Set(results.hits.map((hit) => hit.product.currency).filter((one) => one !== undefined));
  return found.size === 1 ? [...found][0] : undefined;
}

/**
 * Moves the filters into the sheet while it is open, and back beside the products where there is room.
 *
 * @param {HTMLElement} facets
 */
function filterSheet(facets) {
  const sheet = the("filters-sheet", HTMLDialogElement);
  const beside = the("facets-home", HTMLElement);
  const inside = the("sheet-home", HTMLElement);
  const apply = the("apply-filters", HTMLButtonElement);
  const narrow = matchMedia("(max-width: 60rem)");
  const place = () => {
    if (!narrow.matches && sheet.open) sheet.close();
    (narrow.matches ? inside : beside).append(facets);
  };
  narrow.addEventListener("change", place);
  place();
  the("open-filters", HTMLButtonElement).addEventListener("click", () => sheet.showModal());
  the("close-filters", HTMLButtonElement).addEventListener("click", () => sheet.close());
  apply.addEventListener("click", () => sheet.close());
  sheet.addEventListener("click", (event) => {
    // Only a click on the backdrop has the dialog itself as its target.
    if (event.target === sheet) sheet.close();
  });
  const badge = the("filters-count", HTMLElement);

  /** @param {AppState} state */
  return ({ query, results }) => {
    const chosen = filterCount(query);
    badge.textContent = chosen === 0 ? "" : String(chosen);
    apply.textContent = results.phase === "waiting" ? "Show products" : `Show ${countText(results)}`;
  };
}

/**
 * The filters in use, each to be taken off, above the products.
 *
 * @param {App} app
 */
function refinementsView(app) {
  const root = the("refinements", HTMLElement);
  /** @type {unknown[]} */
  let drawn = [];

  /** @param {AppState} state */
  return ({ query }) => {
    if (drawn[0] === query.filters && drawn[1] === query.price) return;
    drawn = [query.filters, query.price];
    const chips = Object.entries(query.filters).flatMap(([field, chosen]) =>
      chosen.map((value) =>
        refinement(field === "category" ? leaf(String(value)) : valueName(field, value), `${field}=${value}`, () =>
          app.change((now) => withFilter(now, field, toggled(now.filters[field] ?? [], value))),
        ),
      ),
    );
    if (query.price !== null) {
      const { from, to } = query.price;
      const range = to === null ? `${from} and more` : from === null ? `below ${to}` : `${from} – ${to}`;
      chips.push(refinement(`Price ${range}`, "price", () => app.change((now) => withPrice(now, null, null))));
    }
    if (chips.length > 1) {
      const clear = () => app.change((now) => ({ ...now, filters: {}, price: null }));
      chips.push(h("button", { class: "button quiet small", type: "button", "data-key": "clear", onclick: clear }, "Clear all"));
    }
    root.hidden = chips.length === 0;
    redraw(root, ...chips);
  };
}

/**
 * @param {string} name
 * @param {string} key
 * @param {() => void} onclick
 */
function refinement(name, key, onclick) {
  const props = { class: "chip refinement", type: "button", "aria-label": `Take off: ${name}`, "data-key": `off-${key}`, onclick };
  return h("button", props, name, icon("close"));
}
