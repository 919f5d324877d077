/** The query picture in this browser: where it came from, and how far its way to the server is. */

import { uploadPath } from "../../api/client.js";

/** @import { Upload } from "../../api/types.js" */
/** @import { ApiProblem } from "../../api/problem.js" */

/**
 * @typedef {Blob | string} Source bytes, or an address on the web
 *
 * @typedef {object} QueryPicture
 * @property {"none" | "sending" | "ready"} phase
 * @property {Source | null} source kept, since the server forgets an upload after a while
 * @property {string | null} shown what the <img> loads
 * @property {string} name
 * @property {Upload | null} upload
 * @property {ApiProblem | null} problem of a picture that was turned down; the one before stays
 */

/** @type {QueryPicture} */
export const NO_PICTURE = Object.freeze({ phase: "none", source: null, shown: null, name: "", upload: null, problem: null });

/**
 * @param {Source} source
 * @param {string | null} shown
 * @param {string} name
 * @returns {QueryPicture}
 */
export function sending(source, shown, name) {
  return { phase: "sending", source, shown, name, upload: null, problem: null };
}

/**
 * @param {QueryPicture} picture
 * @param {Upload} upload
 * @returns {QueryPicture}
 */
export function ready(picture, upload) {
  // The bytes of an address never reach this browser; the server shows what it fetched.
  const shown = picture.shown ?? uploadPath(upload.upload);
  return { ...picture, phase: "ready", shown, upload };
}

/**
 * What a drop or a paste brought, as little as we need of a DataTransfer.
 *
 * @typedef {{files: ArrayLike<File>, getData: (format: string) => string}} Brought
 */

/**
 * The picture in what was dropped or pasted. A file wins over an address: a picture dragged from another page brings
 * both, and its bytes are here already. A file of another kind is taken too, so that the server can say what is wrong.
 *
 * @param {Brought} brought
 * @returns {Source | null}
 */
export function sourceIn(brought) {
  const files = Array.from(brought.files);
  const file = files.find((one) => one.type.startsWith("image/")) ?? files[0];
  if (file !== undefined) return file;
  for (const format of ["text/uri-list", "text/plain"]) {
    const address = brought
      .getData(format)
      .split(/\r?\n/)
      .find((line) => line !== "" && !line.startsWith("#"));
    if (address !== undefined && isWebAddress(address)) return address.trim();
  }
  return null;
}

/** @param {string} text */
export function isWebAddress(text) {
  return /^https?:\/\/[^\s/]+/i.test(text.trim()) && URL.canParse(text.trim());
}

/**
 * @param {Source} source
 * @returns {string} to call the picture by
 */
export function nameOf(source) {
  if (typeof source !== "string") return source instanceof File && source.name !== "" ? source.name : "your picture";
  return URL.canParse(source) ? new URL(source).hostname : source;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} longest
 * @returns {[width: number, height: number] | null} smaller sides, null where it is small enough
 */
export function smaller(width, height, longest) {
  const scale = longest / Math.max(width, height);
  return scale >= 1 ? null : [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}
