import assert from "node:assert/strict";
import { test } from "node:test";

import { EMPTY } from "./state.js";
import { fromSearch, toSearch } from "./url.js";

test("nothing asked is no query string", () => {
  assert.equal(toSearch(EMPTY), "");
  assert.deepEqual(fromSearch(""), EMPTY);
});

test("what is shared is what is found", () => {
  const query = {
    ...EMPTY,
    words: "red & blue shoes",
    filters: { brand: ["Acme", "B+W"], in_stock: [true], size: [42], q: ["odd"] },
    price: { from: 10, to: null },
    tags: ["shoe"],
    notTags: ["boot"],
    examples: [{ id: "sku/1 ü", more: true }, { id: "sku-2", more: false }],
    category: "Clothing > Shoes",
    balance: 0.35,
    colour: true,
    sort: "-price",
  };
  assert.deepEqual(fromSearch(toSearch(query)), query);
});

test("a picture and its box are private and stay out of the address", () => {
  assert.equal(toSearch({ ...EMPTY, upload: "u_1", box: [0, 0, 1, 1] }), "");
});

test("a mangled address does no harm", () => {
  const query = fromSearch("?price=x..y&sort=%3Cscript%3E&balance=7&j.a=nonsense&f.=x&f.__proto__=x&like=&tag=&unknown=1");
  assert.deepEqual(query, EMPTY);
  assert.equal(fromSearch("?price=..50").price?.to, 50);
  assert.deepEqual(fromSearch("?f.constructor=x").filters, { constructor: ["x"] });
});
