/** The query picture with its box: drawn, moved and resized by pointer and by keyboard. */

import { h, redraw, the } from "../../shared/dom.js";
import { HANDLES, WHOLE, described, drawn, isSame, isWhole, moved, nudged, resized } from "./state.js";

/** @import { Box } from "../../api/types.js" */
/** @import { App, AppState } from "../../app.js" */
/** @import { QueryPicture } from "../picture/state.js" */
/** @import { Handle, Point } from "./state.js" */

const DRAGGING_PAUSE = 250;
const KEY_PAUSE = 350;

/** @param {App} app */
export function cropView(app) {
  const section = the("query-picture", HTMLElement);
  const stage = the("stage", HTMLElement);
  const status = the("crop-status", HTMLElement);
  const whole = the("crop-whole", HTMLButtonElement);
  const auto = the("crop-auto", HTMLButtonElement);
  const crop = cropBox(app);
  /** @type {string | null | undefined} */
  let shown;
  /** @type {QueryPicture["upload"] | undefined} */
  let upload;

  whole.addEventListener("click", () => app.change((query) => ({ ...query, box: WHOLE })));
  auto.addEventListener("click", () => app.change((query) => ({ ...query, box: null })));

  /** @param {AppState} state */
  return ({ picture, query }) => {
    section.hidden = picture.phase === "none";
    if (picture.shown !== shown || picture.phase === "none") {
      shown = picture.shown;
      upload = undefined;
      stage.replaceChildren(...(picture.phase === "none" ? [] : [frame(picture, crop.element)]));
    }
    const ready = picture.phase === "ready";
    stage.firstElementChild?.classList.toggle("sending", !ready);
    crop.element.hidden = !ready;
    if (!ready) return;
    if (picture.upload !== upload) {
      upload = picture.upload;
      redraw(crop.spots, ...hotspots(app, picture));
    }
    const box = query.box ?? foundBox(picture);
    crop.show(box);
    for (const [n, { box: its }] of (picture.upload?.objects ?? []).entries()) {
      const spot = crop.spots.children[n];
      // No dot in the middle of what is searched already.
      if (spot instanceof HTMLElement) spot.hidden = isSame(its, box);
    }
    whole.setAttribute("aria-pressed", String(query.box !== null && isSame(query.box, WHOLE)));
    auto.setAttribute("aria-pressed", String(query.box === null));
    const words = query.box === null ? `The product, as it was found. ${described(box)}.` : `${described(box)}.`;
    if (status.textContent !== words) status.textContent = words;
  };
}

/**
 * Where the server found the product; this is what it searches with as long as nobody draws a box.
 *
 * @param {QueryPicture} picture
 * @returns {Box}
 */
function foundBox(picture) {
  return picture.upload?.objects?.[0]?.box ?? WHOLE;
}

/**
 * @param {QueryPicture} picture
 * @param {HTMLElement} crop
 */
function frame(picture, crop) {
  const missing = () => h("p", { class: "no-preview" }, `A picture from ${picture.name}`);
  if (picture.shown === null) return missing();
  const image = h("img", { src: picture.shown, alt: `Your picture: ${picture.name}`, draggable: "false" });
  const inner = h("div", { class: "frame" }, image, crop);
  // A format that the server reads and this browser does not (TIFF, say) has no preview, and so nothing to crop.
  image.addEventListener("error", () => inner.replaceWith(missing()), { once: true });
  return inner;
}

/**
 * A dot on everything that was found beside the main product.
 *
 * @param {App} app
 * @param {QueryPicture} picture
 */
function hotspots(app, picture) {
  const objects = picture.upload?.objects ?? [];
  if (objects.length < 2) return [];
  return objects.map(({ box, label }, n) => {
    const name = `Search for ${label || `object ${n + 1}`}`;
    const dot = h("button", {
      class: "hotspot",
      type: "button",
      title: name,
      "aria-label": name,
      "data-key": `spot-${n}`,
      onclick: () => app.change((query) => ({ ...query, box })),
      // A press on the dot is no drag on the picture.
      onpointerdown: (/** @type {PointerEvent} */ event) => event.stopPropagation(),
    });
    dot.style.left = `${((box[0] + box[2]) / 2) * 100}%`;
    dot.style.top = `${((box[1] + box[3]) / 2) * 100}%`;
    return dot;
  });
}

/** @param {App} app */
function cropBox(app) {
  /** @type {Box} */
  let box = WHOLE;
  const handles = HANDLES.map((name) => h("span", { class: `handle handle-${name}`, "data-handle": name }));
  const rectangle = h(
    "div",
    // An application, since a screen reader would otherwise keep the arrow keys for itself.
    {
      class: "crop",
      tabindex: 0,
      role: "application",
      "aria-label": "The part of the picture that is searched",
      "aria-roledescription": "crop box",
      "aria-describedby": "crop-help crop-status",
    },
    ...handles,
  );
  const spots = h("div", { class: "spots" });
  // The shade ends with the picture; the handles may stand out, or they could not be grasped at its edge.
  const shade = h("div", { class: "shade" });
  const element = h("div", { class: "crop-layer" }, h("div", { class: "shade-edge" }, shade), rectangle, spots);

  /** @param {Box} next */
  function show(next) {
    box = next;
    const [left, top, right, bottom] = next;
    for (const { style } of [rectangle, shade]) {
      style.left = `${left * 100}%`;
      style.top = `${top * 100}%`;
      style.width = `${(right - left) * 100}%`;
      style.height = `${(bottom - top) * 100}%`;
    }
    rectangle.classList.toggle("whole", isWhole(next));
  }

  /**
   * @param {Box} next
   * @param {number} pause
   */
  function choose(next, pause) {
    show(next);
    app.change((query) => ({ ...query, box: next }), pause);
  }

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    rectangle.focus({ preventScroll: true });
    follow(event, element, startGesture(event, box, rectangle), choose);
  });
  rectangle.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = nudged(box, event.key, event.shiftKey);
    if (next === null) return;
    event.preventDefault();
    choose(next, KEY_PAUSE);
  });
  return { element, spots, show };
}

/**
 * What a drag that begins here does to the box: a handle resizes, the box moves, anything else draws anew.
 *
 * @param {PointerEvent} event
 * @param {Box} box
 * @param {HTMLElement} rectangle
 * @returns {(from: Point, to: Point) => Box | null}
 */
function startGesture(event, box, rectangle) {
  const target = event.target instanceof HTMLElement ? event.target : null;
  const handle = /** @type {Handle | undefined} */ (target?.dataset["handle"]);
  if (handle !== undefined) return (from, to) => resized(box, handle, to[0] - from[0], to[1] - from[1]);
  if (target === rectangle && !isWhole(box)) return (from, to) => moved(box, to[0] - from[0], to[1] - from[1]);
  return drawn;
}

/**
 * @param {PointerEvent} begun
 * @param {HTMLElement} element
 * @param {(from: Point, to: Point) => Box | null} gesture
 * @param {(box: Box, pause: number) => void} choose
 */
function follow(begun, element, gesture, choose) {
  const { left, top, width, height } = element.getBoundingClientRect();
  /** @type {(event: PointerEvent) => Point} */
  const place = (event) => [(event.clientX - left) / width, (event.clientY - top) / height];
  const from = place(begun);
  /** @type {Box | null} */
  let last = null;
  const stop = new AbortController();
  const { signal } = stop;
  element.setPointerCapture(begun.pointerId);
  element.addEventListener(
    "pointermove",
    (event) => {
      if (event.clientX === begun.clientX && event.clientY === begun.clientY) return;
      const next = gesture(from, place(event));
      if (next === null) return;
      last = next;
      choose(next, DRAGGING_PAUSE);
    },
    { signal },
  );
  const end = () => {
    stop.abort();
    // Whoever lets go has decided, and waits no longer.
    if (last !== null) choose(last, 0);
  };
  element.addEventListener("pointerup", end, { signal });
  element.addEventListener("pointercancel", end, { signal });
}
