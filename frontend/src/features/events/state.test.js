import assert from "node:assert/strict";
import { test } from "node:test";

import * as results from "../results/state.js";
import { MOST_AT_ONCE, reporting, shownBy, wanted } from "./state.js";

const page = (/** @type {string[]} */ ids, /** @type {string | undefined} */ query) => ({
  hits: ids.map((id) => ({ id, score: 1, product: {} })),
  total: { value: 9, relation: /** @type {const} */ ("eq") },
  ...(query === undefined ? {} : { query_id: query }),
});

function reporter() {
  const sent = /** @type {any[][]} */ ([]);
  const timers = /** @type {(() => void)[]} */ ([]);
  const told = reporting((events) => void sent.push(events), (act) => void timers.push(act));
  return { sent, timers, told, short: () => sent.map((one) => one.map((event) => `${event.action_name} ${event.object_id}`)) };
}

test("who asks not to be tracked is not, nor is anybody where the shop does not want it", () => {
  assert.equal(wanted("on", { doNotTrack: null }), true);
  assert.equal(wanted("on", {}), true);
  assert.equal(wanted("on", { doNotTrack: "0", globalPrivacyControl: false }), true);
  assert.equal(wanted("on", { doNotTrack: "1" }), false);
  assert.equal(wanted("on", { doNotTrack: null, globalPrivacyControl: true }), false);
  for (const setting of ["off", "", null]) assert.equal(wanted(setting, {}), false);
});

test("a hit belongs to the answer that brought it, and keeps its place in the whole", () => {
  const shown = results.appended(results.answered(page(["a", "b"], "q1")), page(["b", "c"], "q2"));
  assert.deepEqual(shownBy(shown, "a"), { query_id: "q1", position: 1 });
  assert.deepEqual(shownBy(shown, "c"), { query_id: "q2", position: 3 });
  assert.equal(shownBy(shown, "gone"), null);
  assert.deepEqual(shownBy(results.answered(page(["a"])), "a"), { position: 1 }, "an older server names no search");
});

test("views wait for more, a click takes them along at once, and nothing is told twice of one search", () => {
  const { sent, timers, told, short } = reporter();
  const shown = results.answered(page(["a", "b"], "q1"));
  told.did("view", shown, "a");
  told.did("view", shown, "b");
  told.did("view", shown, "a");
  assert.deepEqual([sent.length, timers.length], [0, 1]);
  told.did("click", shown, "b");
  told.did("click", results.searching(shown), "b");
  told.did("view", shown, "nobody");
  assert.deepEqual(short(), [["view a", "view b", "click b"]]);
  timers[0]?.();
  assert.equal(sent.length, 1, "nothing is left to send");
  const longer = results.appended(shown, page(["c"], "q2"));
  told.did("view", longer, "a");
  told.did("view", longer, "c");
  told.did("view", results.answered(page(["a"], "q3")), "a");
  told.flush();
  assert.deepEqual(short().slice(1), [["view c", "view a"]]);
  const { timestamp, ...event } = sent[1]?.[1];
  assert.deepEqual(event, { action_name: "view", object_id: "a", query_id: "q3", position: 1 });
  assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 10_000);
});

test("no request has more events than the server takes", () => {
  const { sent, told } = reporter();
  const ids = Array.from({ length: 2 * MOST_AT_ONCE + 1 }, (_, n) => `p${n}`);
  const shown = results.answered(page(ids, "q"));
  for (const id of ids) told.did("view", shown, id);
  told.flush();
  assert.deepEqual(sent.map((one) => one.length), [MOST_AT_ONCE, MOST_AT_ONCE, 1]);
});
