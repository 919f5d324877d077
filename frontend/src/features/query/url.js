/** The query as an address that can be shared. Pictures are never in it: they are the shopper's own. */

import { EMPTY } from "./state.js";

/** @import { Scalar } from "../../api/types.js" */
/** @import { Example, Query } from "./state.js" */

// Filters have a prefix of their own, so that a catalogue may have a field that is called "q".
const TEXT = "f.";
const JSON_VALUE = "j.";
const SORT = /^-?[\w.]{1,100}$/;

/**
 * @param {Query} query
 * @returns {string} "?…", or "" for the empty query
 */
export function toSearch(query) {
  const told = new URLSearchParams();
  if (query.words.trim() !== "") told.set("q", query.words.trim());
  for (const [field, values] of Object.entries(query.filters)) {
    for (const value of values) {
      if (typeof value === "string") told.append(TEXT + field, value);
      else told.append(JSON_VALUE + field, JSON.stringify(value));
    }
  }
  if (query.price !== null) told.set("price", `${query.price.from ?? ""}..${query.price.to ?? ""}`);
  for (const tag of query.tags) told.append("tag", tag);
  for (const tag of query.notTags) told.append("not", tag);
  for (const { id, more } of query.examples) told.append(more ? "like" : "unlike", id);
  if (query.sort !== EMPTY.sort) told.set("sort", query.sort);
  if (query.category !== EMPTY.category) told.set("category", query.category);
  if (query.balance !== null) told.set("balance", String(query.balance));
  if (query.colour) told.set("colour", "1");
  const text = told.toString();
  return text === "" ? "" : `?${text}`;
}

/**
 * @param {string} search whatever stands in the address bar: strange parts are passed over
 * @returns {Query}
 */
export function fromSearch(search) {
  const told = new URLSearchParams(search);
  /** @type {Record<string, Scalar[]>} */
  const filters = {};
  /** @type {Example[]} */
  const examples = [];
  for (const [key, value] of told) {
    if (key.startsWith(TEXT)) add(filters, key.slice(TEXT.length), value);
    else if (key.startsWith(JSON_VALUE)) add(filters, key.slice(JSON_VALUE.length), scalar(value));
    else if ((key === "like" || key === "unlike") && value !== "") examples.push({ id: value, more: key === "like" });
  }
  const sort = told.get("sort") ?? EMPTY.sort;
  const balance = Number(told.get("balance") ?? "NaN");
  return {
    ...EMPTY,
    words: told.get("q") ?? "",
    examples,
    tags: told.getAll("tag").filter((tag) => tag !== ""),
    notTags: told.getAll("not").filter((tag) => tag !== ""),
    category: told.get("category") || EMPTY.category,
    balance: balance >= 0 && balance <= 1 ? balance : null,
    colour: told.get("colour") === "1",
    filters,
    price: priceRange(told.get("price")),
    sort: SORT.test(sort) ? sort : EMPTY.sort,
  };
}

/**
 * @param {Record<string, Scalar[]>} filters
 * @param {string} field
 * @param {Scalar | null} value
 */
function add(filters, field, value) {
  // Assigning to "__proto__" sets no field but the object's prototype.
  if (field === "" || field === "__proto__" || value === null) return;
  const values = Object.hasOwn(filters, field) ? (filters[field] ?? []) : [];
  filters[field] = [...values, value];
}

/**
 * @param {string} text
 * @returns {number | boolean | null}
 */
function scalar(text) {
  if (text === "true" || text === "false") return text === "true";
  const number = text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}

/**
 * @param {string | null} text "10..50", either end open
 * @returns {Query["price"]}
 */
function priceRange(text) {
  const found = /^(\d+(?:\.\d+)?)?\.\.(\d+(?:\.\d+)?)?$/.exec(text ?? "");
  if (found === null) return null;
  const from = found[1] === undefined ? null : Number(found[1]);
  const to = found[2] === undefined ? null : Number(found[2]);
  return from === null && to === null ? null : { from, to };
}
