/** Elements without innerHTML: whatever a catalogue says can only ever become text. */

/** @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Prop */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, Prop>} [props] attributes; `onclick` and the like become listeners; false, null: left out
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A drawing of the sprite in index.html, silent for screen readers: its button carries the words.
 *
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * The element of index.html that has this id, with the type that we rely on.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function the(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} with the id '${id}'.`);
  return found;
}

/**
 * Replaces the children and gives the focus back to the control that had it, found by its `data-key`: lists are
 * drawn anew after each answer, and nobody who works by keyboard should be thrown to the top of the page by that.
 *
 * @param {Element} parent
 * @param {...(Node | string)} children
 */
export function redraw(parent, ...children) {
  const focused = document.activeElement;
  const key = focused instanceof HTMLElement && parent.contains(focused) ? focused.dataset["key"] : undefined;
  parent.replaceChildren(...children);
  if (key === undefined) return;
  for (const one of parent.querySelectorAll("[data-key]")) {
    if (one instanceof HTMLElement && one.dataset["key"] === key) {
      one.focus({ preventScroll: true });
      return;
    }
  }
}
