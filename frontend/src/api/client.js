/** Talks to `/v1`. The signal comes first everywhere: whoever starts something slow says how it is called off. */

import { ApiProblem, isAbort } from "./problem.js";

/** @import { Product, SearchAnswer, SearchRequest, ShopperEvent, Suggestion, Upload } from "./types.js" */

/**
 * @param {AbortSignal} signal
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<unknown>}
 * @throws {ApiProblem} for anything but a 2xx answer; an AbortError where the signal says so
 */
async function request(signal, path, init = {}) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, { ...init, signal });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw ApiProblem.away(error);
  }
  /** @type {unknown} */
  let body = null;
  try {
    body = await response.json();
  } catch (error) {
    if (isAbort(error)) throw error;
    // A proxy's HTML page is no answer of ours: its status says more than its text.
    if (response.ok) throw ApiProblem.away(error);
  }
  if (!response.ok) throw ApiProblem.of(response.status, body);
  return body;
}

/**
 * @param {AbortSignal} signal
 * @param {string} path
 * @param {unknown} body
 */
function postJson(signal, path, body) {
  return request(signal, path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
}

/**
 * @param {AbortSignal} signal
 * @param {SearchRequest} query
 * @returns {Promise<SearchAnswer>}
 */
export async function search(signal, query) {
  return /** @type {SearchAnswer} */ (await postJson(signal, "/v1/search", query));
}

/**
 * Leaves a picture with the server for a while and learns what is seen in it.
 *
 * @param {AbortSignal} signal
 * @param {Blob | string} source the bytes, or an address that the server fetches
 * @returns {Promise<Upload>}
 */
export async function analyze(signal, source) {
  if (typeof source === "string") {
    return /** @type {Upload} */ (await postJson(signal, "/v1/analyze", { picture: { url: source } }));
  }
  const form = new FormData();
  form.append("picture", source, source instanceof File ? source.name : "picture");
  return /** @type {Upload} */ (await request(signal, "/v1/analyze", { method: "POST", body: form }));
}

/**
 * Where the server shows an upload again: for pictures that it fetched itself, whose bytes never reached this browser.
 *
 * @param {string} upload
 */
export function uploadPath(upload) {
  return `/v1/uploads/${encodeURIComponent(upload)}`;
}

/**
 * Lets the server forget a picture at once. Where that fails it forgets by itself a little later.
 *
 * @param {AbortSignal} signal
 * @param {string} upload
 */
export async function forgetUpload(signal, upload) {
  await fetch(uploadPath(upload), { method: "DELETE", signal, keepalive: true }).catch(() => undefined);
}

/**
 * @param {AbortSignal} signal
 * @param {string} id
 * @returns {Promise<Product>}
 */
export async function product(signal, id) {
  const told = /** @type {{product: Product}} */ (await request(signal, `/v1/products/${encodeURIComponent(id)}`));
  return told.product;
}

/**
 * @param {AbortSignal} signal
 * @param {string} words
 * @returns {Promise<Suggestion[]>}
 */
export async function suggest(signal, words) {
  const told = /** @type {{suggestions: Suggestion[]}} */ (await request(signal, `/v1/suggest?q=${encodeURIComponent(words)}`));
  return told.suggestions;
}

/**
 * Reports what shoppers did, also from a page that is being left. No cookie goes along, and nobody waits: what is lost is lost.
 *
 * @param {ShopperEvent[]} events
 */
export function report(events) {
  void fetch("/v1/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ events }),
    keepalive: true,
    credentials: "omit",
  }).catch(() => undefined);
}

/**
 * A picture of our own server as bytes.
 *
 * @param {AbortSignal} signal
 * @param {string} path
 * @returns {Promise<Blob>}
 */
export async function pictureBytes(signal, path) {
  try {
    const response = await fetch(path, { signal });
    if (!response.ok) throw ApiProblem.of(response.status, null);
    return await response.blob();
  } catch (error) {
    if (isAbort(error) || error instanceof ApiProblem) throw error;
    throw ApiProblem.away(error);
  }
}
