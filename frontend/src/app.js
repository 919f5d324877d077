/** The one place where things happen: holds the state, asks the server, keeps the address. It knows no DOM. */

import { ApiProblem, isAbort } from "./api/problem.js";
import * as facets from "./features/facets/state.js";
import * as pictures from "./features/picture/state.js";
import { searchRequest } from "./features/query/request.js";
import * as queries from "./features/query/state.js";
import { fromSearch, toSearch } from "./features/query/url.js";
import * as results from "./features/results/state.js";
import { delayed, latest } from "./shared/latest.js";

/** @import { Product, SearchAnswer } from "./api/types.js" */
/** @import { QueryPicture, Source } from "./features/picture/state.js" */
/** @import { Query } from "./features/query/state.js" */
/** @import { Results } from "./features/results/state.js" */

/**
 * @typedef {object} AppState
 * @property {Query} query
 * @property {QueryPicture} picture
 * @property {Results} results
 * @property {string[]} attributes that have a facet
 * @property {ReadonlyMap<string, Product>} products seen so far, to draw examples with
 *
 * @typedef {Pick<typeof import("./api/client.js"), "search" | "analyze" | "product" | "forgetUpload">} Client
 *
 * @typedef {object} Browser what we need of it
 * @property {() => string} address the query string
 * @property {(search: string, step: "push" | "replace") => void} setAddress
 * @property {(signal: AbortSignal, source: Source) => Promise<Source>} prepare makes large photos smaller before they travel
 * @property {(source: Source) => string | null} preview
 * @property {(shown: string) => void} forget a preview that is no longer shown
 *
 * @typedef {ReturnType<typeof createApp>} App
 */

const MOST_ATTRIBUTES = 6;
const FORGETTING_MS = 5000;

/**
 * @param {Client} client
 * @param {Browser} browser
 */
export function createApp(client, browser) {
  /** @type {AppState} */
  let state = {
    query: queries.EMPTY,
    picture: pictures.NO_PICTURE,
    results: results.NONE,
    attributes: [],
    products: new Map(),
  };
  /** @type {((state: AppState) => void)[]} */
  const watchers = [];
  /** The last picture that the server took: it stays in force while the next one is on its way. */
  let taken = pictures.NO_PICTURE;

  /** @param {Partial<AppState>} news */
  function set(news) {
    state = { ...state, ...news };
    for (const watcher of watchers) watcher(state);
  }

  const fields = () => [...facets.BASIC_FIELDS, ...state.attributes];
  const searching = latest(searchNow);
  const later = delayed(() => void searching.start());
  const sendingPicture = latest(sendPicture);
  const learning = latest(learnProducts);

  /** @param {AbortSignal} signal */
  async function searchNow(signal) {
    set({ results: results.searching(state.results) });
    await guarded(async () => {
      const answer = await withFreshUpload(signal, () => client.search(signal, searchRequest(state.query, fields())));
      signal.throwIfAborted();
      const first = state.attributes.length === 0;
      set({ results: results.answered(answer), ...learned(answer) });
      if (!first || state.attributes.length === 0) return;
      // Only now do we know which attributes this catalogue has: their counts follow, and the hits stay as they are.
      const counted = await client.search(signal, { ...searchRequest(state.query, fields()), limit: 1 });
      set({ results: { ...state.results, facets: counted.facets ?? {} } });
    });
  }

  /** @param {AbortSignal} signal */
  async function pageNow(signal) {
    set({ results: results.paging(state.results) });
    await guarded(async () => {
      const cursor = state.results.next;
      const answer = await withFreshUpload(signal, () => client.search(signal, searchRequest(state.query, fields(), cursor)));
      signal.throwIfAborted();
      set({ results: results.appended(state.results, answer), ...learned(answer) });
    });
  }
  const paging = latest(pageNow);

  /**
   * @param {() => Promise<void>} work
   */
  async function guarded(work) {
    try {
      await work();
    } catch (error) {
      if (isAbort(error)) return;
      if (!(error instanceof ApiProblem)) throw error;
      set({ results: results.failed(state.results, error) });
    }
  }

  /**
   * The server forgets uploads after a while; we still have the picture, so nobody needs to notice.
   *
   * @param {AbortSignal} signal
   * @param {() => Promise<SearchAnswer>} ask
   */
  async function withFreshUpload(signal, ask) {
    try {
      return await ask();
    } catch (error) {
      const { source } = state.picture;
      const forgotten = error instanceof ApiProblem && error.status === 404 && state.query.upload !== null;
      if (!forgotten || source === null) throw error;
      const upload = await client.analyze(signal, source);
      taken = pictures.ready(state.picture, upload);
      set({ picture: taken, query: { ...state.query, upload: upload.upload } });
      return await ask();
    }
  }

  /** @param {SearchAnswer} answer */
  function learned(answer) {
    const products = new Map(state.products);
    for (const hit of answer.hits) products.set(hit.id, hit.product);
    const found = new Set([...state.attributes, ...facets.attributesWorthCounting(answer.hits)]);
    return { products, attributes: [...found].slice(0, MOST_ATTRIBUTES) };
  }

  /**
   * @param {AbortSignal} signal
   * @param {Source} given
   */
  async function sendPicture(signal, given) {
    later.cancel();
    searching.cancel();
    const shown = browser.preview(given);
    set({ picture: pictures.sending(given, shown, pictures.nameOf(given)) });
    try {
      const source = await browser.prepare(signal, given);
      signal.throwIfAborted();
      const upload = await client.analyze(signal, source);
      signal.throwIfAborted();
      forget(taken);
      taken = pictures.ready({ ...state.picture, source }, upload);
      set({
        picture: taken,
        query: queries.withPicture(state.query, upload.upload),
        results: { ...results.NONE, facets: state.results.facets, analysis: upload },
      });
      browser.setAddress(toSearch(state.query), "push");
      await searching.start();
    } catch (error) {
      if (shown !== null) browser.forget(shown);
      if (isAbort(error)) return;
      if (!(error instanceof ApiProblem)) throw error;
      // The picture before this one, if there is one, is as good as it was.
      set({ picture: { ...taken, problem: error } });
      if (state.results.phase !== "ready") await searching.start();
    }
  }

  /**
   * Neither this browser nor the server keeps a picture that is no longer searched.
   *
   * @param {QueryPicture} picture
   */
  function forget({ shown, upload }) {
    if (shown !== null) browser.forget(shown);
    if (upload !== null) void client.forgetUpload(AbortSignal.timeout(FORGETTING_MS), upload.upload);
  }

  function dropPicture() {
    sendingPicture.cancel();
    forget(taken);
    taken = pictures.NO_PICTURE;
    set({ picture: pictures.NO_PICTURE, results: { ...results.NONE, facets: state.results.facets } });
  }

  /** @param {AbortSignal} signal */
  async function learnProducts(signal) {
    for (const { id } of state.query.examples) {
      if (state.products.has(id)) continue;
      try {
        const product = await client.product(signal, id);
        set({ products: new Map(state.products).set(id, product) });
      } catch (error) {
        if (isAbort(error)) return;
        if (!(error instanceof ApiProblem)) throw error;
        // The search itself will say that this product is gone.
      }
    }
  }

  function readAddress() {
    const { upload, box } = state.query;
    set({ query: { ...fromSearch(browser.address()), upload, box } });
    void learning.start();
    later.cancel();
    return searching.start();
  }

  return {
    get state() {
      return state;
    },

    /** @param {(state: AppState) => void} watcher */
    watch(watcher) {
      watchers.push(watcher);
      watcher(state);
    },

    /** The first search, or the one that the back button asks for. */
    readAddress,

    /**
     * @param {(query: Query) => Query} step
     * @param {number} [wait] milliseconds for more to come before we search; what waits makes no entry in the history
     */
    change(step, wait = 0) {
      const query = step(state.query);
      if (query === state.query && wait > 0) return;
      // Whoever goes on searching has read what was wrong with a picture that was turned down.
      set({ query, picture: state.picture.problem === null ? state.picture : { ...state.picture, problem: null } });
      browser.setAddress(toSearch(query), wait > 0 ? "replace" : "push");
      paging.cancel();
      if (wait > 0) {
        later.ask(wait);
        return;
      }
      later.cancel();
      void searching.start();
    },

    /** @param {Source} source */
    takePicture(source) {
      return sendingPicture.start(source);
    },

    removePicture() {
      dropPicture();
      this.change((query) => queries.withPicture(query, null));
    },

    /** Everything off: picture, words, filters. */
    startOver() {
      dropPicture();
      this.change(() => queries.EMPTY);
    },

    dismissProblem() {
      set({ picture: { ...state.picture, problem: null } });
    },

    more() {
      return state.results.next === null || state.results.phase === "searching" ? Promise.resolve() : paging.start();
    },

    retry() {
      return searching.start();
    },
  };
}
