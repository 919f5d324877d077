import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SRC = dirname(fileURLToPath(import.meta.url));
const FRONTEND = dirname(SRC);
const PAGE = readFileSync(join(FRONTEND, "index.html"), "utf8");
const MODULES = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((one) => one.isFile() && one.name.endsWith(".js") && !one.name.endsWith(".test.js"))
  .map((one) => join(one.parentPath, one.name));

test("the page asks for every module beforehand, and for none that is not there", () => {
  const preloaded = [...PAGE.matchAll(/rel="modulepreload" href="\/static\/([^"]+)"/g)].map((found) => found[1]);
  const needed = MODULES.map((path) => relative(FRONTEND, path)).filter((path) => !/(main|types)\.js$/.test(path));
  assert.deepEqual(preloaded.sort(), needed.sort());
});

test("every element that a module relies on is in the page", () => {
  const ids = new Set([...PAGE.matchAll(/\bid="([^"]+)"/g)].map((found) => found[1]));
  for (const path of MODULES) {
    for (const [, id] of readFileSync(path, "utf8").matchAll(/\bthe\("([^"]+)"/g)) {
      assert.ok(ids.has(id), `${relative(FRONTEND, path)} looks for #${id}`);
    }
  }
});

test("every drawing that is used is in the sprite", () => {
  const drawings = new Set([...PAGE.matchAll(/<symbol id="i-([^"]+)"/g)].map((found) => found[1]));
  const sources = MODULES.map((path) => readFileSync(path, "utf8"));
  const used = sources.flatMap((text) => [...text.matchAll(/\b(?:icon|act)\("([a-z]+)"/g)].map((found) => found[1]));
  const inPage = [...PAGE.matchAll(/<use href="#i-([^"]+)"/g)].map((found) => found[1]);
  for (const name of [...used, ...inPage]) assert.ok(drawings.has(name), name);
});

test("nothing is inline and nothing comes from elsewhere", () => {
  assert.doesNotMatch(PAGE, /\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)/);
  assert.doesNotMatch(PAGE, /(?:src|href|action)="(?:https?:)?\/\//);
});
