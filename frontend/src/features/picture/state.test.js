import assert from "node:assert/strict";
import { test } from "node:test";

import * as state from "./state.js";

/**
 * @param {File[]} files
 * @param {Record<string, string>} texts
 */
function brought(files, texts = {}) {
  return { files, getData: (/** @type {string} */ format) => texts[format] ?? "" };
}

const jpeg = new File(["x"], "shoe.jpg", { type: "image/jpeg" });
const text = new File(["x"], "notes.txt", { type: "text/plain" });

test("a picture file wins over other files and over an address", () => {
  assert.equal(state.sourceIn(brought([text, jpeg], { "text/uri-list": "https://shop.example/a.jpg" })), jpeg);
  assert.equal(state.sourceIn(brought([text])), text);
});

test("an address is found in a link list and in plain text", () => {
  assert.equal(state.sourceIn(brought([], { "text/uri-list": "# c\r\nhttps://shop.example/a.jpg" })), "https://shop.example/a.jpg");
  assert.equal(state.sourceIn(brought([], { "text/plain": " https://shop.example/a.jpg" })), "https://shop.example/a.jpg");
  for (const words of ["red shoes", "javascript:alert(1)", "file:///etc/passwd", ""]) {
    assert.equal(state.sourceIn(brought([], { "text/plain": words })), null, words);
  }
});

test("a picture by address is shown from the server, an own one from here", () => {
  const upload = { upload: "u_1", width: 4, height: 3 };
  assert.equal(state.ready(state.sending("https://a.example/x", null, "a"), upload).shown, "/v1/uploads/u_1");
  assert.equal(state.ready(state.sending(jpeg, "blob:1", "shoe.jpg"), upload).shown, "blob:1");
});

test("pictures have names, and only large ones are made smaller", () => {
  assert.equal(state.nameOf(jpeg), "shoe.jpg");
  assert.equal(state.nameOf(new Blob(["x"])), "your picture");
  assert.equal(state.nameOf("https://shop.example/a.jpg"), "shop.example");
  assert.deepEqual(state.smaller(4000, 3000, 1600), [1600, 1200]);
  assert.equal(state.smaller(1600, 900, 1600), null);
  assert.deepEqual(state.smaller(50000, 1, 1600), [1600, 1]);
});
