/** What was answered, and how far along an answer is. */

import { whole } from "../../shared/format.js";

/** @import { Analysis, FacetCount, Hit, SearchAnswer } from "../../api/types.js" */
/** @import { ApiProblem } from "../../api/problem.js" */

/**
 * @typedef {object} Results
 * @property {"waiting" | "searching" | "paging" | "ready" | "failed"} phase waiting: nothing was answered yet
 * @property {Hit[]} hits
 * @property {{query: string | null, from: number}[]} answers that brought them: the search's name, and the place of its first hit
 * @property {{value: number, relation: "eq" | "gte"}} total
 * @property {Record<string, FacetCount[]>} facets
 * @property {Analysis | null} analysis
 * @property {string | null} next
 * @property {string[]} notices
 * @property {number | null} tookMs
 * @property {ApiProblem | null} problem
 */

export const NONE = Object.freeze(
  /** @type {Results} */ ({
    phase: "waiting",
    hits: [],
    answers: [],
    total: { value: 0, relation: "eq" },
    facets: {},
    analysis: null,
    next: null,
    notices: [],
    tookMs: null,
    problem: null,
  }),
);

/**
 * @param {Results} results
 * @returns {Results} with the old hits, which stay in sight until the new ones are here
 */
export function searching(results) {
  return { ...results, phase: results.phase === "waiting" || results.hits.length === 0 ? "waiting" : "searching", problem: null };
}

/**
 * @param {Results} results
 * @returns {Results}
 */
export function paging(results) {
  return { ...results, phase: "paging", problem: null };
}

/**
 * @param {SearchAnswer} answer
 * @returns {Results}
 */
export function answered(answer) {
  return {
    phase: "ready",
    hits: answer.hits,
    answers: [{ query: answer.query_id ?? null, from: 0 }],
    total: answer.total,
    facets: answer.facets ?? {},
    analysis: answer.analysis ?? null,
    next: answer.next ?? null,
    notices: answer.notices ?? [],
    tookMs: answer.took_ms?.["total"] ?? null,
    problem: null,
  };
}

/**
 * The next page behind the ones before. A product that moved while we read shows once.
 *
 * @param {Results} results
 * @param {SearchAnswer} answer
 * @returns {Results}
 */
export function appended(results, answer) {
  const known = new Set(results.hits.map((hit) => hit.id));
  return {
    ...results,
    phase: "ready",
    hits: [...results.hits, ...answer.hits.filter((hit) => !known.has(hit.id))],
    answers: [...results.answers, { query: answer.query_id ?? null, from: results.hits.length }],
    next: answer.next ?? null,
    tookMs: answer.took_ms?.["total"] ?? null,
  };
}

/**
 * @param {Results} results
 * @param {ApiProblem} problem
 * @returns {Results}
 */
export function failed(results, problem) {
  return { ...results, phase: "failed", problem };
}

/**
 * @param {Results} results
 * @param {string} [locale]
 * @returns {string} "312 products", "1,000+ products"
 */
export function countText({ total }, locale) {
  const figure = `${whole(total.value, locale)}${total.relation === "gte" ? "+" : ""}`;
  return `${figure} ${total.value === 1 && total.relation === "eq" ? "product" : "products"}`;
}

/**
 * One sentence for the live region; empty while nothing is to be said.
 *
 * @param {Results} results
 * @param {string} [locale]
 */
export function announcement(results, locale) {
  if (results.phase !== "ready") return "";
  if (results.hits.length === 0) return "No products found.";
  const shown = results.hits.length < results.total.value ? `, ${whole(results.hits.length, locale)} shown` : "";
  return `${countText(results, locale)} found${shown}.`;
}
