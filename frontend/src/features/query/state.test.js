import assert from "node:assert/strict";
import { test } from "node:test";

import * as state from "./state.js";

test("another picture keeps words and filters, and forgets what was said of the last one", () => {
  let query = { ...state.EMPTY, words: "red", box: [0, 0, 0.5, 0.5], category: "Shoes", sort: "price" };
  query = state.withFilter(state.withTag(query, "boot", "wanted"), "brand", ["Acme"]);
  const next = state.withPicture(query, "u_2");
  assert.deepEqual(next, { ...state.EMPTY, upload: "u_2", words: "red", filters: { brand: ["Acme"] } });
});

test("a tag is wanted, unwanted or open, never two of them", () => {
  let query = state.withTag(state.EMPTY, "  Boot ", "wanted");
  assert.deepEqual([query.tags, query.notTags], [["boot"], []]);
  query = state.withTag(query, "boot", "unwanted");
  assert.deepEqual([query.tags, query.notTags], [[], ["boot"]]);
  query = state.withTag(query, "boot", "open");
  assert.deepEqual([query.tags, query.notTags], [[], []]);
  assert.equal(state.withTag(query, "   ", "wanted"), query);
});

test("more and less like a product replace each other, and the same twice takes it back", () => {
  let query = state.withExample(state.EMPTY, "a", true);
  query = state.withExample(query, "b", false);
  query = state.withExample(query, "a", false);
  assert.deepEqual(query.examples, [{ id: "b", more: false }, { id: "a", more: false }]);
  assert.equal(state.looksAtPictures(query), false);
  query = state.withExample(query, "a", false);
  assert.deepEqual(query.examples, [{ id: "b", more: false }]);
});

test("filters are counted, and an empty one is gone", () => {
  let query = state.withFilter(state.EMPTY, "brand", ["Acme", "Bolt"]);
  query = state.withPrice(query, 50, 10);
  assert.deepEqual(query.price, { from: 10, to: 50 });
  assert.equal(state.filterCount(query), 3);
  assert.deepEqual(state.withFilter(query, "brand", []).filters, {});
  assert.equal(state.filterCount(state.withoutFilters(query)), 0);
  assert.equal(state.withPrice(query, null, null).price, null);
});

test("words, a picture, examples and tags ask for something; filters alone browse", () => {
  assert.equal(state.asksForSomething(state.withFilter(state.EMPTY, "brand", ["Acme"])), false);
  assert.equal(state.asksForSomething({ ...state.EMPTY, words: "  " }), false);
  assert.equal(state.asksForSomething({ ...state.EMPTY, words: "red" }), true);
  assert.equal(state.asksForSomething(state.withExample(state.EMPTY, "a", true)), true);
});
