/** The box on the query picture: geometry in fractions of the picture, 0…1. */

/** @import { Box } from "../../api/types.js" */

/** @type {Box} */
export const WHOLE = [0, 0, 1, 1];
export const SMALLEST_SIDE = 0.06;
export const HANDLES = /** @type {const} */ (["nw", "n", "ne", "e", "se", "s", "sw", "w"]);
const KEY_STEP = 0.02;

/** @typedef {(typeof HANDLES)[number]} Handle */
/** @typedef {[x: number, y: number]} Point */

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/**
 * Four digits are finer than any screen, and make equal boxes equal requests.
 *
 * @param {number[]} edges
 * @returns {Box}
 */
function box(edges) {
  const [left = 0, top = 0, right = 1, bottom = 1] = edges.map((edge) => Math.round(clamp(edge, 0, 1) * 1e4) / 1e4);
  return [left, top, right, bottom];
}

/**
 * @param {Box} from
 * @param {number} dx
 * @param {number} dy
 * @returns {Box} of the same size, stopped by the picture's edges
 */
export function moved([left, top, right, bottom], dx, dy) {
  const x = clamp(dx, -left, 1 - right);
  const y = clamp(dy, -top, 1 - bottom);
  return box([left + x, top + y, right + x, bottom + y]);
}

/**
 * @param {Box} from
 * @param {Handle} handle which sides follow
 * @param {number} dx
 * @param {number} dy
 * @returns {Box}
 */
export function resized([left, top, right, bottom], handle, dx, dy) {
  return box([
    handle.includes("w") ? clamp(left + dx, 0, right - SMALLEST_SIDE) : left,
    handle.includes("n") ? clamp(top + dy, 0, bottom - SMALLEST_SIDE) : top,
    handle.includes("e") ? clamp(right + dx, left + SMALLEST_SIDE, 1) : right,
    handle.includes("s") ? clamp(bottom + dy, top + SMALLEST_SIDE, 1) : bottom,
  ]);
}

/**
 * @param {Point} one corner
 * @param {Point} other the opposite one
 * @returns {Box | null} null for a click, which draws nothing
 */
export function drawn(one, other) {
  const [left, right] = [one[0], other[0]].map((x) => clamp(x, 0, 1)).sort((a, b) => a - b);
  const [top, bottom] = [one[1], other[1]].map((y) => clamp(y, 0, 1)).sort((a, b) => a - b);
  if (left === undefined || right === undefined || top === undefined || bottom === undefined) return null;
  return right - left < SMALLEST_SIDE || bottom - top < SMALLEST_SIDE ? null : box([left, top, right, bottom]);
}

/**
 * @param {Box} current
 * @param {string} key of a KeyboardEvent
 * @param {boolean} resize whether the lower right corner moves, and not the whole box
 * @returns {Box | null} null where the key means nothing here
 */
export function nudged(current, key, resize) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0];
  if (dx === 0 && dy === 0) return null;
  const [x, y] = [(dx ?? 0) * KEY_STEP, (dy ?? 0) * KEY_STEP];
  return resize ? resized(current, "se", x, y) : moved(current, x, y);
}

/**
 * Whether there is next to nothing outside: then a drag can only mean a new box.
 *
 * @param {Box} current
 */
export function isWhole([left, top, right, bottom]) {
  return (right - left) * (bottom - top) > 0.94;
}

/**
 * @param {Box} one
 * @param {Box} other
 */
export function isSame(one, other) {
  return one.every((edge, n) => Math.abs(edge - (other[n] ?? NaN)) < 0.005);
}

/**
 * @param {Box} current
 * @returns {string} for those who do not see it
 */
export function described(current) {
  if (isSame(current, WHOLE)) return "The whole picture";
  const [left, top, right, bottom] = current.map((edge) => Math.round(edge * 100));
  return `From ${left} to ${right} percent across, ${top} to ${bottom} percent down`;
}
