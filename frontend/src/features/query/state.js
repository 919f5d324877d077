/** What is asked, as the shopper set it: plain data, and pure functions from one query to the next. */

/** @import { Box, Scalar } from "../../api/types.js" */

/**
 * @typedef {{id: string, more: boolean}} Example a product that hits should resemble, or should not
 * @typedef {{from: number | null, to: number | null}} PriceRange from included, to excluded
 *
 * @typedef {object} Query
 * @property {string} words
 * @property {string | null} upload the picture's name at the server
 * @property {Box | null} box null lets the server find the product in the picture
 * @property {Example[]} examples
 * @property {string[]} tags
 * @property {string[]} notTags
 * @property {string} category "auto", "off", or the path that the shopper insists on
 * @property {number | null} balance the picture's share against the words, 0…1; null leaves it to the server
 * @property {boolean} colour whether the colour shall count for more
 * @property {Record<string, Scalar[]>} filters field → any of these
 * @property {PriceRange | null} price
 * @property {string} sort
 */

/** @type {Query} */
export const EMPTY = Object.freeze({
  words: "",
  upload: null,
  box: null,
  examples: [],
  tags: [],
  notTags: [],
  category: "auto",
  balance: null,
  colour: false,
  filters: {},
  price: null,
  sort: "relevance",
});

/**
 * Another picture: what was said about the one before (its box, its tags, its category) no longer holds, but the words
 * and the filters are about the shopper and stay.
 *
 * @param {Query} query
 * @param {string | null} upload
 * @returns {Query}
 */
export function withPicture(query, upload) {
  return { ...query, upload, box: null, tags: [], notTags: [], category: "auto", examples: [], sort: "relevance" };
}

/**
 * @param {Query} query
 * @param {string} tag
 * @param {"wanted" | "unwanted" | "open"} wish
 * @returns {Query}
 */
export function withTag(query, tag, wish) {
  const name = tag.trim().toLowerCase();
  if (name === "") return query;
  const others = (/** @type {string[]} */ list) => list.filter((one) => one !== name);
  return {
    ...query,
    tags: wish === "wanted" ? [...others(query.tags), name] : others(query.tags),
    notTags: wish === "unwanted" ? [...others(query.notTags), name] : others(query.notTags),
  };
}

/**
 * "More like this" and "less like this". Saying the same twice takes it back.
 *
 * @param {Query} query
 * @param {string} id
 * @param {boolean} more
 * @returns {Query}
 */
export function withExample(query, id, more) {
  const said = query.examples.find((one) => one.id === id);
  const others = query.examples.filter((one) => one.id !== id);
  return { ...query, examples: said?.more === more ? others : [...others, { id, more }] };
}

/**
 * @param {Query} query
 * @param {string} field
 * @param {Scalar[]} values none: no filter on this field
 * @returns {Query}
 */
export function withFilter(query, field, values) {
  const { [field]: _, ...filters } = query.filters;
  return { ...query, filters: values.length > 0 ? { ...filters, [field]: values } : filters };
}

/**
 * @param {Query} query
 * @param {number | null} from
 * @param {number | null} to
 * @returns {Query}
 */
export function withPrice(query, from, to) {
  // Whoever types the higher figure first means the same range.
  const [low, high] = from !== null && to !== null && from > to ? [to, from] : [from, to];
  return { ...query, price: low === null && high === null ? null : { from: low, to: high } };
}

/**
 * @param {Query} query
 * @returns {Query}
 */
export function withoutFilters(query) {
  return { ...query, filters: {}, price: null };
}

/** @param {Query} query */
export function filterCount(query) {
  const chosen = Object.values(query.filters).reduce((sum, values) => sum + values.length, 0);
  return chosen + (query.price === null ? 0 : 1);
}

/**
 * Whether anything says what to look for, beyond filters on the whole catalogue.
 *
 * @param {Query} query
 */
export function asksForSomething(query) {
  return query.words.trim() !== "" || query.upload !== null || query.examples.length > 0 || query.tags.length > 0;
}

/**
 * Whether hits have a picture to resemble.
 *
 * @param {Query} query
 */
export function looksAtPictures(query) {
  return query.upload !== null || query.examples.some((one) => one.more);
}
