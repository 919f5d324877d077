import assert from "node:assert/strict";
import { test } from "node:test";

import * as crop from "./state.js";

test("a box keeps its size when it is pushed against an edge", () => {
  assert.deepEqual(crop.moved([0.1, 0.2, 0.5, 0.6], 0.9, -0.9), [0.6, 0, 1, 0.4]);
});

test("each handle moves its own sides, and no side passes another", () => {
  assert.deepEqual(crop.resized([0.2, 0.2, 0.8, 0.8], "nw", 0.1, -0.1), [0.3, 0.1, 0.8, 0.8]);
  assert.deepEqual(crop.resized([0.2, 0.2, 0.8, 0.8], "e", 0.5, 0.5), [0.2, 0.2, 1, 0.8]);
  assert.deepEqual(crop.resized([0.2, 0.2, 0.8, 0.8], "w", 0.9, 0), [0.74, 0.2, 0.8, 0.8]);
  assert.deepEqual(crop.resized([0.2, 0.2, 0.8, 0.8], "s", 0, -0.9), [0.2, 0.2, 0.8, 0.26]);
});

test("a box can be drawn from any corner, a click draws none", () => {
  assert.deepEqual(crop.drawn([0.9, 0.8], [0.1, 0.3]), [0.1, 0.3, 0.9, 0.8]);
  assert.deepEqual(crop.drawn([0.5, 0.5], [1.4, 1.2]), [0.5, 0.5, 1, 1]);
  assert.equal(crop.drawn([0.5, 0.5], [0.51, 0.9]), null);
});

test("arrow keys move, with shift they resize, other keys do neither", () => {
  assert.deepEqual(crop.nudged([0.2, 0.2, 0.8, 0.8], "ArrowRight", false), [0.22, 0.2, 0.82, 0.8]);
  assert.deepEqual(crop.nudged([0.2, 0.2, 0.8, 0.8], "ArrowUp", true), [0.2, 0.2, 0.8, 0.78]);
  assert.equal(crop.nudged([0.2, 0.2, 0.8, 0.8], "a", false), null);
});

test("random gestures never leave the picture or turn a box inside out", () => {
  let seed = 7;
  const random = () => ((seed = (seed * 16807) % 2147483647) / 2147483647) * 2 - 1;
  /** @type {import("../../api/types.js").Box} */
  let box = [0.2, 0.2, 0.8, 0.8];
  for (let n = 0; n < 5000; n += 1) {
    const handle = crop.HANDLES[n % crop.HANDLES.length];
    box = n % 3 === 0 ? crop.moved(box, random(), random()) : crop.resized(box, handle, random(), random());
    const [left, top, right, bottom] = box;
    assert.ok(left >= 0 && top >= 0 && right <= 1 && bottom <= 1, String(box));
    assert.ok(right - left > crop.SMALLEST_SIDE - 2e-4 && bottom - top > crop.SMALLEST_SIDE - 2e-4, String(box));
  }
});

test("the whole picture is recognised and boxes are told in words", () => {
  assert.equal(crop.isWhole([0.01, 0, 1, 0.99]), true);
  assert.equal(crop.isWhole([0.1, 0, 1, 1]), false);
  assert.equal(crop.described(crop.WHOLE), "The whole picture");
  assert.equal(crop.described([0.1, 0.2, 0.5, 0.6]), "From 10 to 50 percent across, 20 to 60 percent down");
});
