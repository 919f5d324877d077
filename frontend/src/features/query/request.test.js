import assert from "node:assert/strict";
import { test } from "node:test";

import { PRICE_EDGES } from "../facets/state.js";
import { PAGE_SIZE, searchRequest } from "./request.js";
import { EMPTY, withExample, withFilter, withPrice, withTag } from "./state.js";

const PRICES = { field: "price", ranges: PRICE_EDGES };

test("an empty query browses", () => {
  assert.deepEqual(searchRequest(EMPTY, ["brand"]), { limit: PAGE_SIZE, explain: true, facets: ["brand", PRICES] });
});

test("a picture, a box, words, tags, examples and filters are all in one request", () => {
  let query = { ...EMPTY, upload: "u_1", box: [0, 0, 0.5, 0.5], words: " red shoes ", sort: "-price", category: "Shoes" };
  query = withTag(withTag(query, "shoe", "wanted"), "boot", "unwanted");
  query = withExample(withExample(query, "a", true), "b", false);
  query = withPrice(withFilter(query, "brand", ["Acme", "Bolt"]), 10, null);
  assert.deepEqual(searchRequest(query, []), {
    limit: PAGE_SIZE,
    explain: true,
    like: [{ picture: { upload: "u_1" }, box: [0, 0, 0.5, 0.5] }, { product: "a" }],
    unlike: [{ product: "b" }],
    text: "red shoes",
    tags: ["shoe"],
    not_tags: ["boot"],
    category: "Shoes",
    filter: { all: [{ brand: ["Acme", "Bolt"] }, { price: { gte: 10 } }] },
    sort: "-price",
    facets: [PRICES],
  });
});

test("without a box the key is left out, since null is no box", () => {
  assert.deepEqual(searchRequest({ ...EMPTY, upload: "u_1" }, []).like, [{ picture: { upload: "u_1" } }]);
});

test("the balance counts only where there are both a picture and words", () => {
  const query = { ...EMPTY, balance: 0.3, words: "red" };
  assert.equal(searchRequest(query, []).weights, undefined);
  assert.deepEqual(searchRequest({ ...query, upload: "u_1" }, []).weights, { picture: 0.3, text: 0.7 });
  assert.deepEqual(searchRequest({ ...EMPTY, upload: "u_1", colour: true }, []).weights, { colour: 0.5 });
});

test("category and colour are about a picture, and left out without one", () => {
  const query = { ...EMPTY, words: "red", category: "Shoes", colour: true };
  const { category, weights } = searchRequest(query, []);
  assert.deepEqual([category, weights], [undefined, undefined]);
  assert.equal(searchRequest(withExample(query, "a", true), []).category, "Shoes");
});

test("later pages ask for no facets again", () => {
  const request = searchRequest({ ...EMPTY, words: "red" }, ["brand"], "next-1");
  assert.equal(request.cursor, "next-1");
  assert.equal(request.facets, undefined);
});
