/** Chips for what was seen: categories with their probability, tags that can be wanted or not, colours. */

import { h, icon, redraw, the } from "../../shared/dom.js";
import { leaf, percent } from "../../shared/format.js";
import { toggled } from "../facets/state.js";
import { looksAtPictures, withFilter, withTag } from "../query/state.js";
import { categoryChips, colourChips, qualityAdvice, tagChips } from "./state.js";

/** @import { Analysis } from "../../api/types.js" */
/** @import { App, AppState } from "../../app.js" */
/** @import { Query } from "../query/state.js" */
/** @import { TagChip } from "./state.js" */

export const COLOUR_FIELD = "predicted_colours";

/** @param {App} app */
export function understandingView(app) {
  const root = the("understanding", HTMLElement);
  const form = tagForm(app);
  /** @type {[Analysis | null, Query] | null} */
  let drawn = null;

  /** @param {AppState} state */
  return ({ query, picture, results }) => {
    // While a search runs its answer has no analysis yet: the chips stay until there is a newer one.
    const analysis = query.upload === null ? null : (results.analysis ?? drawn?.[0] ?? picture.upload);
    if (drawn !== null && drawn[0] === analysis && drawn[1] === query) return;
    drawn = [analysis, query];
    const groups = [
      ...qualityAdvice(analysis).map((advice) => h("p", { class: "advice" }, advice)),
      categories(app, analysis, query),
      tags(app, analysis, query, form),
      colours(app, analysis, query),
    ];
    redraw(root, ...groups.filter((one) => one !== null));
  };
}

/**
 * @param {string} title
 * @param {...HTMLElement} content
 */
function group(title, ...content) {
  return h("div", { class: "group", role: "group", "aria-label": title }, h("h3", { class: "label" }, title), ...content);
}

/**
 * @param {App} app
 * @param {Analysis | null} analysis
 * @param {Query} query
 */
function categories(app, analysis, query) {
  const chips = categoryChips(analysis, query.category);
  if (chips.length === 0) return null;
  /** @param {string} category */
  const choose = (category) => () => app.change((now) => ({ ...now, category }));
  return group(
    "Looks like",
    h(
      "div",
      { class: "chips" },
      ...chips.map(({ path, score, chosen }) =>
        h(
          "button",
          {
            class: "chip",
            type: "button",
            title: path,
            "aria-pressed": String(chosen),
            "data-key": `category-${path}`,
            onclick: choose(chosen ? "auto" : path),
          },
          leaf(path),
          score !== null && h("span", { class: "chip-score" }, percent(score)),
        ),
      ),
      h(
        "button",
        {
          class: "chip",
          type: "button",
          "aria-pressed": String(query.category === "off"),
          "data-key": "category-off",
          onclick: choose(query.category === "off" ? "auto" : "off"),
        },
        "Anything",
      ),
    ),
  );
}

/**
 * @param {App} app
 * @param {Analysis | null} analysis
 * @param {Query} query
 * @param {HTMLFormElement} form
 */
function tags(app, analysis, query, form) {
  const chips = tagChips(analysis, query);
  return group("Tags", h("div", { class: "chips" }, ...chips.map((chip) => tagChip(app, chip)), form));
}

/**
 * @param {App} app
 * @param {TagChip} chip
 */
function tagChip(app, { name, score, wish }) {
  /** @param {TagChip["wish"]} next */
  const choose = (next) => () => app.change((query) => withTag(query, name, wish === next ? "open" : next));
  return h(
    "span",
    { class: `chip-pair ${wish}` },
    h(
      "button",
      {
        class: "chip",
        type: "button",
        "aria-pressed": String(wish === "wanted"),
        "aria-label": `With “${name}”`,
        "data-key": `tag-${name.toLowerCase()}`,
        onclick: choose("wanted"),
      },
      icon(wish === "wanted" ? "check" : "plus"),
      name,
      score !== null && h("span", { class: "chip-score" }, percent(score)),
    ),
    h(
      "button",
      {
        class: "chip not",
        type: "button",
        title: `Without “${name}”`,
        "aria-label": `Without “${name}”`,
        "aria-pressed": String(wish === "unwanted"),
        "data-key": `not-${name.toLowerCase()}`,
        onclick: choose("unwanted"),
      },
      icon("minus"),
    ),
  );
}

/** @param {App} app */
function tagForm(app) {
  const input = h("input", {
    class: "tag-field",
    type: "text",
    id: "tag",
    maxlength: 100,
    placeholder: "Add a tag",
    enterkeyhint: "done",
    "aria-label": "Add a tag",
    autocomplete: "off",
    "data-key": "tag-input",
  });
  return h(
    "form",
    {
      action: "/",
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        const tag = input.value;
        input.value = "";
        app.change((query) => withTag(query, tag, "wanted"));
      },
    },
    input,
  );
}

/**
 * @param {App} app
 * @param {Analysis | null} analysis
 * @param {Query} query
 */
function colours(app, analysis, query) {
  if (!looksAtPictures(query)) return null;
  const chosen = query.filters[COLOUR_FIELD] ?? [];
  const chips = colourChips(analysis, chosen).map(({ name, hex, share, chosen: on }) => {
    const swatch = h("span", { class: "swatch" });
    swatch.style.backgroundColor = hex;
    return h(
      "button",
      {
        class: "chip",
        type: "button",
        title: `Only ${name} products (${percent(share)} of yours)`,
        "aria-pressed": String(on),
        "data-key": `colour-${name}`,
        onclick: () => app.change((now) => withFilter(now, COLOUR_FIELD, toggled(now.filters[COLOUR_FIELD] ?? [], name))),
      },
      swatch,
      name,
    );
  });
  return group(
    "Colours",
    h(
      "div",
      { class: "chips" },
      ...chips,
      h(
        "button",
        {
          class: "chip",
          type: "button",
          "aria-pressed": String(query.colour),
          "data-key": "colour-weight",
          onclick: () => app.change((now) => ({ ...now, colour: !now.colour })),
        },
        "Colour counts more",
      ),
    ),
  );
}
