/** Which fields are counted, and what choosing a value means. */

/** @import { FacetCount, Hit, Scalar } from "../../api/types.js" */
/** @import { PriceRange } from "../query/state.js" */

export const PRICE_EDGES = [0, 10, 25, 50, 100, 250, 500, 1000];
export const BASIC_FIELDS = ["category", "brand", "in_stock"];

const MOST_LEARNED = 5;
const MOST_VALUES = 30;
const MOST_NUMBERS = 8;

/**
 * The attributes that are worth a facet. A catalogue declares none beforehand, so we look at the products themselves:
 * what most of them have, with values that repeat (a colour does, an article number does not). Many different figures
 * are a measurement, of which nobody wants a check box each.
 *
 * @param {Hit[]} hits
 * @returns {string[]}
 */
export function attributesWorthCounting(hits) {
  /** @type {Map<string, {products: number, values: Set<string>}>} */
  const seen = new Map();
  for (const { product } of hits) {
    for (const [name, value] of Object.entries(product.attributes ?? {})) {
      const values = Array.isArray(value) ? value : [value];
      const known = seen.get(name) ?? { products: 0, values: new Set() };
      known.products += 1;
      for (const one of values) known.values.add(JSON.stringify(one));
      seen.set(name, known);
    }
  }
  return [...seen]
    .filter(([, { products, values }]) => products >= hits.length * 0.3 && values.size > 1)
    .filter(([, { products, values }]) => values.size <= MOST_VALUES && values.size <= products * 0.75)
    .filter(([, { values }]) => values.size <= MOST_NUMBERS || [...values].some((one) => Number.isNaN(Number(one))))
    .sort(([a, one], [b, other]) => other.products - one.products || a.localeCompare(b))
    .slice(0, MOST_LEARNED)
    .map(([name]) => name);
}

/**
 * @typedef {object} Branch of the tree of categories
 * @property {string} path
 * @property {string} name the path's last step
 * @property {number} count with all below it
 * @property {Branch[]} below
 */

/**
 * @param {FacetCount[]} counts full paths
 * @returns {Branch[]} the most frequent first
 */
export function categoryTree(counts) {
  /** @type {Branch} */
  const root = { path: "", name: "", count: 0, below: [] };
  for (const { value, count } of counts) {
    let branch = root;
    for (const name of String(value).split(" > ")) {
      const path = branch.path === "" ? name : `${branch.path} > ${name}`;
      let next = branch.below.find((one) => one.path === path);
      if (next === undefined) branch.below.push((next = { path, name, count: 0, below: [] }));
      next.count += count;
      branch = next;
    }
  }
  sortBranches(root);
  return root.below;
}

/** @param {Branch} branch */
function sortBranches(branch) {
  branch.below.sort((a, b) => b.count - a.count || a.name.localeCompare(b.name));
  branch.below.forEach(sortBranches);
}

/**
 * Choosing a category takes all below it: what was chosen there is then said already, and what stood above is narrowed.
 *
 * @param {string[]} chosen
 * @param {string} path
 * @returns {string[]}
 */
export function toggledCategory(chosen, path) {
  if (chosen.includes(path)) return chosen.filter((one) => one !== path);
  return [...chosen.filter((one) => !one.startsWith(`${path} > `) && !path.startsWith(`${one} > `)), path];
}

/**
 * @param {Branch} branch
 * @param {string[]} chosen
 */
export function isOpen(branch, chosen) {
  return chosen.some((one) => one === branch.path || one.startsWith(`${branch.path} > `));
}

/**
 * @template {Scalar} T
 * @param {T[]} chosen
 * @param {T} value
 * @returns {T[]}
 */
export function toggled(chosen, value) {
  return chosen.includes(value) ? chosen.filter((one) => one !== value) : [...chosen, value];
}

/**
 * What is chosen stays in sight even where nothing has it any more: else it could not be unchosen.
 *
 * @param {FacetCount[]} counts
 * @param {Scalar[]} chosen
 * @returns {FacetCount[]}
 */
export function withChosen(counts, chosen) {
  const missing = chosen.filter((value) => counts.every((one) => one.value !== value));
  return [...counts, ...missing.map((value) => ({ value, count: 0 }))];
}

/**
 * @typedef {object} PriceStep
 * @property {number} from
 * @property {number | null} to
 * @property {number} count
 * @property {number} share of the fullest step, 0…1
 * @property {boolean} chosen
 */

/**
 * The steps between the cheapest and the dearest product; empty ones outside say nothing.
 *
 * @param {FacetCount[]} counts
 * @param {PriceRange | null} price
 * @returns {PriceStep[]}
 */
export function priceSteps(counts, price) {
  const full = counts.map((one) => one.count > 0);
  const within = counts.slice(full.indexOf(true), full.lastIndexOf(true) + 1);
  const most = Math.max(1, ...within.map((one) => one.count));
  if (!full.includes(true)) return [];
  return within.map(({ from = 0, to = null, count }) => ({
    from,
    to,
    count,
    share: count / most,
    chosen: price !== null && (price.from ?? 0) <= from && (price.to ?? Infinity) >= (to ?? Infinity),
  }));
}
