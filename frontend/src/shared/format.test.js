import assert from "node:assert/strict";
import { test } from "node:test";

import { heading, leaf, money, percent, sized, webAddress } from "./format.js";

test("prices have their currency, and a strange one does no harm", () => {
  assert.equal(money(19.5, "EUR", "en"), "€19.50");
  assert.equal(money(19.5, "eur", "en"), "€19.50");
  assert.equal(money(19.5, undefined, "en"), "19.50");
  assert.equal(money(19.5, "seashells", "en"), "19.50 seashells");
  assert.equal(money(1234.5, "XXQ", "en").replace(/\s/g, " "), "XXQ 1,234.50");
});

test("percentages stay within 0 and 100", () => {
  assert.equal(percent(0.874), "87%");
  assert.equal(percent(-0.2), "0%");
  assert.equal(percent(1.0000001), "100%");
});

test("a category shows its last step, a field its words", () => {
  assert.equal(leaf("Clothing > Shoes"), "Shoes");
  assert.equal(leaf("Shoes"), "Shoes");
  assert.equal(heading("baseColour"), "Base colour");
  assert.equal(heading("in_stock"), "In stock");
});

test("only web addresses are followed", () => {
  assert.equal(webAddress("https://shop.example/a b"), "https://shop.example/a%20b");
  for (const bad of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "/relative", "", undefined]) {
    assert.equal(webAddress(bad), null, String(bad));
  }
});

test("pictures are asked for in the size that is shown, and never from elsewhere", () => {
  assert.equal(sized("/v1/pictures/a", 320), "/v1/pictures/a?size=320");
  assert.equal(sized("/v1/pictures/a?n=1", 320), "/v1/pictures/a?n=1&size=320");
  assert.equal(sized("data:image/png;base64,AA", 320), "data:image/png;base64,AA");
  for (const bad of ["//elsewhere.example/a.jpg", "https://elsewhere.example/a.jpg", "data:text/html,x", undefined]) {
    assert.equal(sized(bad, 320), null, String(bad));
  }
});
