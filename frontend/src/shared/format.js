/** How figures and texts of a catalogue are shown. */

/**
 * @param {number} price
 * @param {string | undefined} currency an ISO 4217 code, or whatever the catalogue says
 * @param {string} [locale]
 */
export function money(price, currency, locale) {
  if (currency !== undefined && /^[A-Za-z]{3}$/.test(currency)) {
    return new Intl.NumberFormat(locale, { style: "currency", currency: currency.toUpperCase() }).format(price);
  }
  const figure = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(price);
  return currency ? `${figure} ${currency}` : figure;
}

/**
 * @param {number} count
 * @param {string} [locale]
 */
export function whole(count, locale) {
  return new Intl.NumberFormat(locale).format(count);
}

/**
 * A fraction as a percentage; a cosine below 0 is nothing alike.
 *
 * @param {number} fraction
 */
export function percent(fraction) {
  return `${Math.round(Math.min(1, Math.max(0, fraction)) * 100)}%`;
}

/**
 * The last step of a category's path.
 *
 * @param {string} path
 */
export function leaf(path) {
  return path.slice(path.lastIndexOf(">") + 1).trim();
}

/**
 * A field's name as a heading: "base_colour" and "baseColour" are both "Base colour".
 *
 * @param {string} field
 */
export function heading(field) {
  const words = field
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * The address if a browser may follow it: a catalogue is data from outside, and `javascript:` is an address too.
 *
 * @param {string | undefined} url
 * @returns {string | null}
 */
export function webAddress(url) {
  if (url === undefined || !URL.canParse(url)) return null;
  const { protocol, href } = new URL(url);
  return protocol === "http:" || protocol === "https:" ? href : null;
}

/**
 * A picture of our own server in the width that is needed; others (data: URLs) as they are. Null where the page's
 * security policy would refuse it anyway.
 *
 * @param {string | undefined} picture
 * @param {number} size in pixels
 * @returns {string | null}
 */
export function sized(picture, size) {
  if (picture === undefined) return null;
  if (picture.startsWith("/") && !picture.startsWith("//")) return `${picture}${picture.includes("?") ? "&" : "?"}size=${size}`;
  return picture.startsWith("data:image/") ? picture : null;
}
