/** Makes a large photo smaller before it travels. It loses its place and camera data on the way, too. */

import { smaller } from "./state.js";

/** @import { Source } from "./state.js" */

const LARGE_BYTES = 1_500_000;
const LONGEST_SIDE = 1600;
const JPEG_QUALITY = 0.9;

/**
 * @param {AbortSignal} signal
 * @param {Source} source
 * @returns {Promise<Source>} the same source where it is small, or where this browser cannot read it (the server may)
 */
export async function prepared(signal, source) {
  if (typeof source === "string" || source.size < LARGE_BYTES) return source;
  /** @type {ImageBitmap} */
  let bitmap;
  try {
    bitmap = await createImageBitmap(source, { imageOrientation: "from-image" });
  } catch {
    return source;
  }
  try {
    signal.throwIfAborted();
    return (await shrunk(bitmap)) ?? source;
  } finally {
    bitmap.close();
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @returns {Promise<Blob | null>}
 */
async function shrunk(bitmap) {
  const size = smaller(bitmap.width, bitmap.height, LONGEST_SIDE);
  if (size === null) return null;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = size;
  const context = canvas.getContext("2d");
  if (context === null) return null;
  // A cut-out on nothing would turn black in a JPEG; shops show white.
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}
