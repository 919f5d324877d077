import assert from "node:assert/strict";
import { test } from "node:test";

import { delayed, latest } from "./latest.js";

test("a second start calls off the first", async () => {
  /** @type {AbortSignal[]} */
  const signals = [];
  const work = latest(async (signal, name) => {
    signals.push(signal);
    await Promise.resolve(name);
  });
  const first = work.start("first");
  const second = work.start("second");
  await Promise.all([first, second]);
  assert.deepEqual(signals.map((one) => one.aborted), [true, false]);
});

test("what is called off stays so, and what has ended is left alone", async () => {
  /** @type {AbortSignal[]} */
  const signals = [];
  const work = latest(async (signal) => void signals.push(signal));
  await work.start();
  work.cancel();
  assert.equal(signals[0].aborted, false);
});

test("an error of the task reaches its caller", async () => {
  const work = latest(async () => {
    throw new Error("broken");
  });
  await assert.rejects(work.start(), /broken/);
});

test("only the last of several quick requests is carried out", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let times = 0;
  const later = delayed(() => (times += 1));
  later.ask(200);
  context.mock.timers.tick(150);
  later.ask(200);
  context.mock.timers.tick(150);
  assert.equal(times, 0);
  context.mock.timers.tick(50);
  assert.equal(times, 1);
  later.ask(200);
  later.cancel();
  context.mock.timers.tick(500);
  assert.equal(times, 1);
});
