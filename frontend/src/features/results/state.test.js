import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiProblem } from "../../api/problem.js";
import * as state from "./state.js";

const hit = (/** @type {string} */ id) => ({ id, score: 1, product: {} });
const page = (/** @type {string[]} */ ids, /** @type {object} */ more = {}) => ({
  hits: ids.map(hit),
  total: { value: 4, relation: /** @type {const} */ ("eq") },
  next: "n1",
  ...more,
});

test("later pages come behind, and nothing comes twice", () => {
  const first = state.answered(page(["a", "b"], { facets: { brand: [] } }));
  const both = state.appended(state.paging(first), page(["b", "c"], { next: null }));
  assert.deepEqual(both.hits.map((one) => one.id), ["a", "b", "c"]);
  assert.equal(both.next, null);
  assert.equal(both.facets, first.facets);
});

test("old hits stay while new ones are looked for; without any we wait", () => {
  assert.equal(state.searching(state.NONE).phase, "waiting");
  assert.equal(state.searching(state.answered(page([]))).phase, "waiting");
  const again = state.searching(state.answered(page(["a"])));
  assert.deepEqual([again.phase, again.hits.length], ["searching", 1]);
});

test("a problem is kept with the hits it interrupted, until the next try", () => {
  const problem = ApiProblem.of(503, { detail: "The engine is away." });
  const broken = state.failed(state.answered(page(["a"])), problem);
  assert.equal(broken.hits.length, 1);
  assert.equal(broken.problem?.detail, "The engine is away.");
  assert.equal(state.searching(broken).problem, null);
});

test("the count is told as it is known", () => {
  assert.equal(state.countText({ ...state.NONE, total: { value: 1, relation: "eq" } }, "en"), "1 product");
  assert.equal(state.countText({ ...state.NONE, total: { value: 1000, relation: "gte" } }, "en"), "1,000+ products");
  assert.equal(state.announcement(state.answered(page(["a"])), "en"), "4 products found, 1 shown.");
  assert.equal(state.announcement(state.answered(page([])), "en"), "No products found.");
  assert.equal(state.announcement(state.NONE, "en"), "");
});
