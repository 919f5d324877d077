import assert from "node:assert/strict";
import { test } from "node:test";

import * as state from "./state.js";

/** @type {import("../../api/types.js").Analysis} */
const analysis = {
  tags: [{ name: "Shoe", score: 0.9 }, { name: "boot", score: 0.4 }, { name: "sock", score: 0.1 }],
  categories: [{ name: "Clothing > Shoes", score: 0.8 }, { name: "Clothing > Socks", score: 0.1 }, { name: "Toys > Feet", score: 0.004 }],
  colours: [{ name: "red", share: 0.7, rgb: [255, 0, 16] }],
  quality: ["blurred", "of tomorrow"],
};

test("decided tags come first, with their score where they were seen", () => {
  const chips = state.tagChips(analysis, { tags: ["women", "shoe"], notTags: ["boot"] });
  assert.deepEqual(chips, [
    { name: "women", score: null, wish: "wanted" },
    { name: "shoe", score: 0.9, wish: "wanted" },
    { name: "boot", score: 0.4, wish: "unwanted" },
    { name: "sock", score: 0.1, wish: "open" },
  ]);
  assert.deepEqual(state.tagChips(null, { tags: [], notTags: [] }), []);
});

test("a category that the shopper insists on is shown even where nobody predicted it", () => {
  assert.deepEqual(state.categoryChips(analysis, "auto").map((one) => one.chosen), [false, false]);
  assert.deepEqual(state.categoryChips(analysis, "Clothing > Socks").map((one) => one.chosen), [false, true]);
  assert.deepEqual(state.categoryChips(analysis, "Toys")[0], { path: "Toys", score: null, chosen: true });
  assert.equal(state.categoryChips(analysis, "off").length, 2);
});

test("colours are told in a form that a style sheet takes", () => {
  assert.deepEqual(state.colourChips(analysis, ["red"]), [{ name: "red", share: 0.7, hex: "#ff0010", chosen: true }]);
  assert.equal(state.hex([300, -4, 12.6]), "#ff000d");
});

test("only flags that we know become advice", () => {
  assert.deepEqual(state.qualityAdvice(analysis), ["This picture is blurred: a sharper one finds more."]);
});
