import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiProblem } from "./api/problem.js";
import { createApp } from "./app.js";
import { withExample, withFilter } from "./features/query/state.js";

const PICTURE = new File(["x"], "shoe.jpg", { type: "image/jpeg" });

/** @param {string[]} ids */
function answer(ids, more = {}) {
  return {
    hits: ids.map((id) => ({ id, score: 1, product: { title: id } })),
    total: { value: ids.length, relation: "eq" },
    facets: {},
    next: null,
    ...more,
  };
}

/** A server of our own making: `search` and `analyze` may be replaced, what they were asked is kept. */
function server(given = {}) {
  const asked = /** @type {any[]} */ ([]);
  const uploads = /** @type {any[]} */ ([]);
  return {
    asked,
    uploads,
    search: async (signal, request) => {
      asked.push({ signal, request });
      return given.search ? given.search(signal, request, asked.length) : answer(["a"]);
    },
    analyze: async (signal, source) => {
      uploads.push(source);
      return given.analyze ? given.analyze(signal, source) : { upload: `u_${uploads.length}`, width: 4, height: 3, tags: [] };
    },
    forgotten: /** @type {string[]} */ ([]),
    async forgetUpload(_signal, upload) {
      this.forgotten.push(upload);
    },
    product: async (_signal, id) => ({ title: `product ${id}` }),
  };
}

function browser(address = "") {
  const steps = /** @type {[string, string][]} */ ([]);
  return {
    steps,
    forgotten: /** @type {string[]} */ ([]),
    address: () => address,
    setAddress: (search, step) => void steps.push([step, search]),
    prepare: async (_signal, source) => source,
    preview: (source) => (typeof source === "string" ? null : `blob:${source.name}`),
    forget(shown) {
      this.forgotten.push(shown);
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("the address is what is asked first, and its examples get their names", async () => {
  const shop = server();
  const app = createApp(shop, browser("?q=red&like=sku-9"));
  await app.readAddress();
  assert.equal(shop.asked[0].request.text, "red");
  assert.equal(app.state.products.get("sku-9")?.title, "product sku-9");
  assert.deepEqual(app.state.results.hits.map((one) => one.id), ["a"]);
});

test("attributes are counted as soon as the catalogue has shown that it has some", async () => {
  const hits = ["red", "red", "blue", "blue"].map((colour, n) => ({ id: String(n), score: 1, product: { attributes: { colour } } }));
  const shop = server({ search: () => answer([], { hits, facets: { colour: [{ value: "red", count: 2 }] } }) });
  const app = createApp(shop, browser());
  await app.readAddress();
  assert.equal(shop.asked.length, 2);
  assert.ok(shop.asked[1].request.facets.includes("colour"));
  assert.equal(shop.asked[1].request.limit, 1);
  assert.equal(app.state.results.hits.length, 4);
  app.change((query) => withFilter(query, "colour", ["red"]));
  await settled();
  assert.equal(shop.asked.length, 3);
});

test("a new search calls off the one before, whose late answer changes nothing", async () => {
  let release = () => {};
  const shop = server({
    search: (signal, request) =>
      request.text !== "slow"
        ? answer(["fast"])
        : new Promise((resolve, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
            release = () => resolve(answer(["slow"]));
          }),
  });
  const app = createApp(shop, browser());
  app.change((query) => ({ ...query, words: "slow" }));
  app.change((query) => ({ ...query, words: "fast" }));
  release();
  await settled();
  assert.equal(shop.asked[0].signal.aborted, true);
  assert.deepEqual(app.state.results.hits.map((one) => one.id), ["fast"]);
});

test("a picture is sent once, then searched by its name, crop after crop", async () => {
  const shop = server();
  const page = browser();
  const app = createApp(shop, page);
  await app.takePicture(PICTURE);
  app.change((query) => ({ ...query, box: [0, 0, 0.5, 0.5] }));
  await settled();
  assert.equal(shop.uploads.length, 1);
  assert.deepEqual(shop.asked.map((one) => one.request.like), [
    [{ picture: { upload: "u_1" } }],
    [{ picture: { upload: "u_1" }, box: [0, 0, 0.5, 0.5] }],
  ]);
  assert.ok(page.steps.every(([, search]) => !search.includes("u_1")));
});

test("an upload that the server has forgotten is sent again, unseen", async () => {
  const gone = ApiProblem.of(404, { title: "No such upload" });
  const shop = server({
    search: (_signal, request, times) => {
      if (times === 2) throw gone;
      return answer([request.like[0].picture.upload]);
    },
  });
  const app = createApp(shop, browser());
  await app.takePicture(PICTURE);
  app.change((query) => ({ ...query, box: [0, 0, 0.5, 0.5] }));
  await settled();
  assert.equal(shop.uploads.length, 2);
  assert.equal(app.state.results.hits[0].id, "u_2");
  assert.deepEqual(app.state.query.box, [0, 0, 0.5, 0.5]);
});

test("a file that is no picture says so and leaves the picture before it alone", async () => {
  const refusal = ApiProblem.of(415, { detail: "Send a JPEG." });
  const shop = server({
    analyze: (_signal, source) => {
      if (source !== PICTURE) throw refusal;
      return { upload: "u_1", width: 4, height: 3 };
    },
  });
  const page = browser();
  const app = createApp(shop, page);
  await app.takePicture(new File(["x"], "notes.txt"));
  assert.equal(app.state.picture.problem?.detail, "Send a JPEG.");
  assert.equal(app.state.results.phase, "ready");
  await app.takePicture(PICTURE);
  await app.takePicture(new File(["x"], "more.txt"));
  assert.equal(app.state.query.upload, "u_1");
  assert.equal(app.state.picture.shown, "blob:shoe.jpg");
  assert.equal(app.state.picture.problem, refusal);
  assert.deepEqual(page.forgotten, ["blob:notes.txt", "blob:more.txt"]);
  app.change((query) => ({ ...query, words: "red" }));
  assert.deepEqual([app.state.picture.problem, app.state.picture.shown], [null, "blob:shoe.jpg"]);
});

test("a picture that is taken away is forgotten by browser and server", async () => {
  const shop = server();
  const page = browser();
  const app = createApp(shop, page);
  await app.takePicture(PICTURE);
  await app.takePicture(new File(["y"], "boot.jpg"));
  assert.deepEqual([shop.forgotten, page.forgotten], [["u_1"], ["blob:shoe.jpg"]]);
  app.removePicture();
  await settled();
  assert.deepEqual([shop.forgotten, page.forgotten], [["u_1", "u_2"], ["blob:shoe.jpg", "blob:boot.jpg"]]);
  assert.deepEqual([app.state.query.upload, app.state.picture.phase], [null, "none"]);
  assert.equal(shop.asked.at(-1).request.like, undefined);
});

test("of two pictures sent at once the later counts, and its refusal brings back the one in force", async () => {
  const shop = server({
    analyze: (signal, source) =>
      source === PICTURE
        ? { upload: "u_1", width: 4, height: 3 }
        : new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
            if (source.name === "notes.txt") setImmediate(() => reject(ApiProblem.of(415, {})));
          }),
  });
  const app = createApp(shop, browser());
  await app.takePicture(PICTURE);
  const slow = app.takePicture(new File(["y"], "slow.jpg"));
  const bad = app.takePicture(new File(["z"], "notes.txt"));
  await Promise.all([slow, bad]);
  assert.deepEqual([app.state.picture.name, app.state.picture.problem?.status], ["shoe.jpg", 415]);
});

test("a broken search tells its problem, and trying again clears it", async () => {
  const shop = server({
    search: (_signal, _request, times) => {
      if (times === 1) throw ApiProblem.of(503, { detail: "Away." });
      return answer(["a"]);
    },
  });
  const app = createApp(shop, browser());
  await app.readAddress();
  assert.deepEqual([app.state.results.phase, app.state.results.problem?.passing], ["failed", true]);
  await app.retry();
  assert.deepEqual([app.state.results.phase, app.state.results.problem], ["ready", null]);
});

test("typing replaces the address, deciding makes an entry in the history", async () => {
  const page = browser();
  const app = createApp(server(), page);
  app.change((query) => ({ ...query, words: "re" }), 10_000);
  app.change((query) => withExample(query, "a", true));
  await settled();
  assert.deepEqual(page.steps, [
    ["replace", "?q=re"],
    ["push", "?q=re&like=a"],
  ]);
  app.startOver();
  await settled();
  assert.deepEqual(page.steps.at(-1), ["push", ""]);
});

test("the next page is asked with its cursor and stands behind the first", async () => {
  const shop = server({ search: (_signal, request) => (request.cursor ? answer(["a", "b"]) : answer(["a"], { next: "c1" })) });
  const app = createApp(shop, browser());
  await app.readAddress();
  await app.more();
  await app.more();
  assert.equal(shop.asked.length, 2);
  assert.equal(shop.asked[1].request.cursor, "c1");
  assert.deepEqual(app.state.results.hits.map((one) => one.id), ["a", "b"]);
});
