/** What the server saw in the picture, joined with what the shopper made of it. */

/** @import { Analysis, Colour, Named, Scalar } from "../../api/types.js" */
/** @import { Query } from "../query/state.js" */

const MOST_TAGS = 6;
const MOST_CATEGORIES = 4;
const MOST_COLOURS = 5;
const LEAST_PROBABILITY = 0.01;

/**
 * @typedef {object} TagChip
 * @property {string} name
 * @property {number | null} score null: the shopper's own word
 * @property {"wanted" | "unwanted" | "open"} wish
 */

/**
 * The shopper's own tags first, then what was seen and is still undecided.
 *
 * @param {Analysis | null} analysis
 * @param {Pick<Query, "tags" | "notTags">} query
 * @returns {TagChip[]}
 */
export function tagChips(analysis, { tags, notTags }) {
  const seen = (analysis?.tags ?? []).slice(0, MOST_TAGS);
  const score = (/** @type {string} */ name) => seen.find((one) => one.name.toLowerCase() === name)?.score ?? null;
  const decided = new Set([...tags, ...notTags]);
  return [
    ...tags.map((name) => ({ name, score: score(name), wish: /** @type {const} */ ("wanted") })),
    ...notTags.map((name) => ({ name, score: score(name), wish: /** @type {const} */ ("unwanted") })),
    ...seen
      .filter((one) => !decided.has(one.name.toLowerCase()))
      .map((one) => ({ name: one.name, score: one.score, wish: /** @type {const} */ ("open") })),
  ];
}

/**
 * The predicted categories that are at all likely, and the shopper's own where it is none of them.
 *
 * @param {Analysis | null} analysis
 * @param {string} chosen "auto", "off" or a path
 * @returns {{path: string, score: number | null, chosen: boolean}[]}
 */
export function categoryChips(analysis, chosen) {
  /** @type {(Named | {name: string, score: null})[]} */
  const seen = (analysis?.categories ?? []).filter((one) => one.score >= LEAST_PROBABILITY).slice(0, MOST_CATEGORIES);
  const own = chosen !== "auto" && chosen !== "off" && seen.every((one) => one.name !== chosen);
  return (own ? [{ name: chosen, score: null }, ...seen] : seen).map(({ name, score }) => ({
    path: name,
    score,
    chosen: name === chosen,
  }));
}

/**
 * @param {Analysis | null} analysis
 * @param {Scalar[]} chosen colours that hits must have
 * @returns {{name: string, hex: string, share: number, chosen: boolean}[]}
 */
export function colourChips(analysis, chosen) {
  return (analysis?.colours ?? []).slice(0, MOST_COLOURS).map(({ name, rgb, share }) => ({
    name,
    share,
    hex: hex(rgb),
    chosen: chosen.includes(name),
  }));
}

/** @param {Colour["rgb"]} rgb */
export function hex(rgb) {
  return `#${rgb.map((one) => Math.min(255, Math.max(0, Math.round(one))).toString(16).padStart(2, "0")).join("")}`;
}

const QUALITY = new Map([
  ["blurred", "This picture is blurred: a sharper one finds more."],
  ["tiny", "This picture is very small: a larger one finds more."],
  ["blank", "This picture seems to be empty."],
  ["placeholder", "This looks like a placeholder, not like a product."],
]);

/**
 * @param {Analysis | null} analysis
 * @returns {string[]} advice
 */
export function qualityAdvice(analysis) {
  return (analysis?.quality ?? []).map((flag) => QUALITY.get(flag) ?? "").filter((advice) => advice !== "");
}
