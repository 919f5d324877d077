/** What the server says when it cannot do what was asked (RFC 9457), or what we say when there is no server. */

export class ApiProblem extends Error {
  /**
   * @param {object} told
   * @param {number} told.status 0 where no answer came at all
   * @param {string} told.title
   * @param {string} told.detail
   * @param {{at: string, message: string}[]} [told.errors]
   * @param {string | null} [told.requestId]
   * @param {unknown} [told.cause]
   */
  constructor({ status, title, detail, errors = [], requestId = null, cause }) {
    super(detail, { cause });
    this.name = "ApiProblem";
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
    this.requestId = requestId;
  }

  /** Whether the same request may succeed a little later. */
  get passing() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }

  /**
   * @param {number} status
   * @param {unknown} told the body, whatever it was
   */
  static of(status, told) {
    const body = /** @type {Record<string, unknown>} */ (told !== null && typeof told === "object" ? told : {});
    const title = typeof body["title"] === "string" ? body["title"] : `The server answered ${status}`;
    const errors = Array.isArray(body["errors"]) ? body["errors"].filter((one) => typeof one?.message === "string") : [];
    return new ApiProblem({
      status,
      title,
      detail: typeof body["detail"] === "string" ? body["detail"] : title,
      errors,
      requestId: typeof body["request_id"] === "string" ? body["request_id"] : null,
    });
  }

  /** @param {unknown} cause */
  static away(cause) {
    return new ApiProblem({
      status: 0,
      title: "The search does not answer",
      detail: "No answer came from the server. Check the connection and try again.",
      cause,
    });
  }
}

/** @param {unknown} error */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}
