/** The ways in for a picture: choose, photograph, drop, paste, by address, or a sample. */

import { pictureBytes, search } from "../../api/client.js";
import { ApiProblem, isAbort } from "../../api/problem.js";
import { h, icon, the } from "../../shared/dom.js";
import { sized } from "../../shared/format.js";
import { latest } from "../../shared/latest.js";
import { isWebAddress, sourceIn } from "./state.js";

/** @import { Hit } from "../../api/types.js" */
/** @import { App, AppState } from "../../app.js" */

const SAMPLES = 12;
const SAMPLE_PIXELS = 800;

/** @param {App} app */
export function pictureView(app) {
  const intro = the("intro", HTMLElement);
  const problem = the("picture-problem", HTMLElement);
  chooseButtons(app);
  dropAndPaste(app);
  addressForm(app);
  the("home", HTMLAnchorElement).addEventListener("click", (event) => {
    // Opening the page in another tab still has to work.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    app.startOver();
    scrollTo({ top: 0 });
  });
  the("remove-picture", HTMLButtonElement).addEventListener("click", () => {
    app.removePicture();
    the("choose-small", HTMLButtonElement).focus();
  });
  the("start-over", HTMLButtonElement).addEventListener("click", () => {
    app.startOver();
    the("words", HTMLInputElement).focus();
  });
  let samplesAsked = false;
  let sending = false;
  /** @type {ApiProblem | null} */
  let told = null;

  /** @param {AppState} state */
  return ({ picture, query }) => {
    const open = picture.phase === "none" && query.words.trim() === "" && query.examples.length === 0 && query.tags.length === 0;
    const lost = !open && intro.contains(document.activeElement);
    intro.hidden = !open;
    // The button that was pressed is gone with the introduction; what it led to takes the focus.
    if (lost) the("results", HTMLElement).focus({ preventScroll: true });
    // Whoever drops a picture far down the page wants to see what it finds.
    if (picture.phase === "sending" && !sending) scrollTo({ top: 0 });
    sending = picture.phase === "sending";
    if (open && !samplesAsked) {
      samplesAsked = true;
      void samples(app).start();
    }
    if (picture.problem === told) return;
    told = picture.problem;
    problem.replaceChildren();
    if (told === null) return;
    problem.append(
      h("div", { class: "alert-words" }, h("p", { class: "alert-title" }, told.title), h("p", {}, told.detail)),
      h("button", { class: "button small", type: "button", onclick: () => app.dismissProblem() }, "Close"),
    );
    problem.scrollIntoView({ block: "nearest" });
  };
}

/** @param {App} app */
function chooseButtons(app) {
  const file = the("file", HTMLInputElement);
  const camera = the("camera", HTMLInputElement);
  for (const input of [file, camera]) {
    input.addEventListener("change", () => {
      const chosen = input.files?.[0];
      // Choosing the same file twice should search twice.
      input.value = "";
      if (chosen !== undefined) void app.takePicture(chosen);
    });
  }
  the("choose", HTMLButtonElement).addEventListener("click", () => file.click());
  the("choose-small", HTMLButtonElement).addEventListener("click", () => file.click());
  the("shoot", HTMLButtonElement).addEventListener("click", () => camera.click());
}

/** @param {App} app */
function dropAndPaste(app) {
  const cover = the("drop-cover", HTMLElement);
  // Entering a child comes before leaving its parent, so only the count knows when the pointer is really gone.
  let depth = 0;
  addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    cover.hidden = false;
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    cover.hidden = depth === 0;
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    cover.hidden = true;
    const source = event.dataTransfer === null ? null : sourceIn(event.dataTransfer);
    if (source !== null) void app.takePicture(source);
  });
  addEventListener("paste", (event) => {
    const brought = event.clipboardData;
    if (brought === null) return;
    // Text that is pasted into a field is meant for the field.
    if (brought.files.length === 0 && event.target instanceof HTMLInputElement) return;
    const source = sourceIn(brought);
    if (source === null) return;
    event.preventDefault();
    void app.takePicture(source);
  });
}

/** @param {App} app */
function addressForm(app) {
  const address = the("address", HTMLInputElement);
  the("address-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const given = address.value.trim();
    if (!isWebAddress(given)) {
      address.setCustomValidity("An address starts with https:// or http://");
      address.reportValidity();
      return;
    }
    address.value = "";
    void app.takePicture(given);
  });
  address.addEventListener("input", () => address.setCustomValidity(""));
}

/**
 * Products of the shop to start with, one of each category.
 *
 * @param {App} app
 */
function samples(app) {
  const taking = latest(takeSample);

  /**
   * @param {AbortSignal} signal
   * @param {Hit} hit
   */
  async function takeSample(signal, hit) {
    const picture = sized(hit.product.pictures?.[0], SAMPLE_PIXELS);
    if (picture === null) return;
    try {
      // As a picture, not as a product: so that it can be cropped, and its tags are shown.
      const bytes = await pictureBytes(signal, picture);
      await app.takePicture(new File([bytes], hit.product.title ?? hit.id, { type: bytes.type }));
    } catch (error) {
      if (!isAbort(error) && !(error instanceof ApiProblem)) throw error;
    }
  }

  return latest(async (signal) => {
    try {
      const { hits } = await search(signal, { limit: SAMPLES, group_by: "category" });
      const shown = hits.filter((hit) => sized(hit.product.pictures?.[0], 1) !== null);
      the("samples-row", HTMLUListElement).replaceChildren(...shown.map((hit) => sample(hit, () => void taking.start(hit))));
      the("samples", HTMLElement).hidden = shown.length === 0;
    } catch (error) {
      // The row is an invitation: without it the page is still whole, and the first search tells what is wrong.
      the("samples", HTMLElement).hidden = true;
      if (!isAbort(error) && !(error instanceof ApiProblem)) throw error;
    }
  });
}

/**
 * @param {Hit} hit
 * @param {() => void} onclick
 */
function sample({ id, product }, onclick) {
  const title = product.title ?? id;
  const src = sized(product.pictures?.[0], 160);
  return h(
    "li",
    {},
    h(
      "button",
      { class: "sample", type: "button", title, onclick },
      src === null ? icon("picture") : h("img", { src, alt: `Search with: ${title}`, width: 160, height: 160, loading: "lazy" }),
    ),
  );
}
