import assert from "node:assert/strict";
import { test } from "node:test";

import * as state from "./state.js";

/** @param {Record<string, unknown>[]} attributes */
function hits(attributes) {
  return attributes.map((one, n) => ({ id: String(n), score: 1, product: { attributes: one } }));
}

test("attributes that repeat are worth counting, article numbers and loners are not", () => {
  const found = state.attributesWorthCounting(
    hits([
      { colour: "red", sku: "1", sizes: [40, 41], same: "x" },
      { colour: "red", sku: "2", sizes: [41], same: "x" },
      { colour: "blue", sku: "3", sizes: [40], same: "x" },
      { colour: "blue", sku: "4", same: "x", rare: "y" },
    ]),
  );
  assert.deepEqual(found, ["colour", "sizes"]);
  assert.deepEqual(state.attributesWorthCounting([]), []);
});

test("measurements are not worth a box each", () => {
  const volumes = Array.from({ length: 24 }, (_, n) => ({ volume_ml: (n % 12) * 50, doors: n % 3 }));
  assert.deepEqual(state.attributesWorthCounting(hits(volumes)), ["doors"]);
});

test("paths make a tree whose branches count what is below", () => {
  const tree = state.categoryTree([
    { value: "Clothing > Shoes", count: 3 },
    { value: "Kitchen", count: 9 },
    { value: "Clothing > Shoes > Boots", count: 2 },
    { value: "Clothing > Hats", count: 4 },
  ]);
  assert.deepEqual(tree.map((one) => [one.path, one.count]), [["Clothing", 9], ["Kitchen", 9]]);
  assert.deepEqual(tree[0].below.map((one) => [one.name, one.count]), [["Shoes", 5], ["Hats", 4]]);
  assert.equal(state.isOpen(tree[0], ["Clothing > Hats"]), true);
  assert.equal(state.isOpen(tree[1], ["Kitchenware"]), false);
});

test("a category replaces what stands above and below it, not beside it", () => {
  assert.deepEqual(state.toggledCategory(["A > B", "C"], "A"), ["C", "A"]);
  assert.deepEqual(state.toggledCategory(["A", "C"], "A > B"), ["C", "A > B"]);
  assert.deepEqual(state.toggledCategory(["A > B"], "A > Bee"), ["A > B", "A > Bee"]);
  assert.deepEqual(state.toggledCategory(["A", "C"], "A"), ["C"]);
});

test("a chosen value without products stays in sight", () => {
  const counts = [{ value: "Acme", count: 2 }];
  assert.deepEqual(state.withChosen(counts, ["Acme", "Gone"]), [...counts, { value: "Gone", count: 0 }]);
  assert.deepEqual(state.toggled(["a"], "b"), ["a", "b"]);
  assert.deepEqual(state.toggled(["a", "b"], "a"), ["b"]);
});

test("price steps reach from the cheapest to the dearest and know what is chosen", () => {
  const counts = [
    { value: "0-10", from: 0, to: 10, count: 0 },
    { value: "10-25", from: 10, to: 25, count: 4 },
    { value: "25-50", from: 25, to: 50, count: 0 },
    { value: "50-", from: 50, to: null, count: 2 },
  ];
  const steps = state.priceSteps(counts, { from: 10, to: 50 });
  assert.deepEqual(steps.map((one) => [one.from, one.share, one.chosen]), [[10, 1, true], [25, 0, true], [50, 0.5, false]]);
  assert.equal(state.priceSteps(counts, { from: 50, to: null })[2].chosen, true);
  assert.deepEqual(state.priceSteps([{ value: "0-", from: 0, to: null, count: 0 }], null), []);
});
