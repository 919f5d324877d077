/**
 * The shapes of `/v1`, as docs/http-api.md promises them. Types only: this module is empty at run time.
 *
 * @typedef {string | number | boolean} Scalar
 * @typedef {[left: number, top: number, right: number, bottom: number]} Box fractions of the upright picture
 *
 * @typedef {object} Product
 * @property {string} [title]
 * @property {string} [description]
 * @property {string} [brand]
 * @property {string} [category] a path, "Clothing > Shoes"
 * @property {number} [price]
 * @property {string} [currency]
 * @property {string} [url]
 * @property {string[]} [tags]
 * @property {boolean} [in_stock]
 * @property {string} [created]
 * @property {string[]} [pictures]
 * @property {Record<string, Scalar | Scalar[]>} [attributes]
 *
 * @typedef {object} Why what each signal said of a hit, 0…1
 * @property {number} [picture]
 * @property {number} [text]
 * @property {number} [category]
 * @property {number} [colour]
 * @property {string[]} [tags]
 * @property {{name: string, score: number, weight: number, share: number}[]} [legs] with `explain`: what made up the score
 * @property {string[]} [words] with `explain`: the same in sentences
 *
 * @typedef {object} Hit
 * @property {string} id
 * @property {number} score
 * @property {number | null} [similarity] the raw cosine
 * @property {Product} product
 * @property {number | null} [picture] which of the product's pictures came nearest
 * @property {Why} [why]
 *
 * @typedef {object} FacetCount
 * @property {Scalar} value
 * @property {number} count
 * @property {number} [from] of a range, included
 * @property {number | null} [to] of a range, excluded; null where it is open
 *
 * @typedef {object} Named
 * @property {string} name
 * @property {number} score
 *
 * @typedef {object} Colour
 * @property {string} name
 * @property {number} share
 * @property {[number, number, number]} rgb
 *
 * @typedef {object} SeenObject
 * @property {Box} box
 * @property {string} label
 * @property {number} score
 *
 * @typedef {object} Analysis
 * @property {SeenObject[]} [objects]
 * @property {Named[]} [tags]
 * @property {Named[]} [categories]
 * @property {Colour[]} [colours]
 * @property {string[]} [quality]
 *
 * @typedef {Analysis & {upload: string, width: number, height: number}} Upload what POST /v1/analyze answers
 *
 * @typedef {{picture: {upload: string}, box?: Box} | {product: string}} Like
 * @typedef {Record<string, unknown>} Clause
 * @typedef {string | {field: string, ranges: number[]}} FacetRequest
 *
 * @typedef {object} SearchRequest
 * @property {Like[]} [like]
 * @property {{product: string}[]} [unlike]
 * @property {string} [text]
 * @property {string[]} [tags]
 * @property {string[]} [not_tags]
 * @property {Partial<Record<"picture" | "text" | "tags" | "category" | "colour", number>>} [weights]
 * @property {{all: Clause[]}} [filter]
 * @property {string} [category]
 * @property {FacetRequest[]} [facets]
 * @property {string} [sort]
 * @property {number} [limit]
 * @property {string | null} [cursor]
 * @property {string} [group_by]
 * @property {boolean} [explain]
 *
 * @typedef {object} SearchAnswer
 * @property {string} [query_id] by which events name the search
 * @property {Hit[]} hits
 * @property {{value: number, relation: "eq" | "gte"}} total
 * @property {Record<string, FacetCount[]>} [facets]
 * @property {Analysis | null} [analysis]
 * @property {string | null} [next]
 * @property {string[]} [notices]
 * @property {Record<string, number>} [took_ms]
 *
 * @typedef {object} ShopperEvent
 * @property {"view" | "click"} action_name
 * @property {string} object_id
 * @property {string} [query_id]
 * @property {number} [position]
 * @property {string} timestamp
 *
 * @typedef {object} Suggestion
 * @property {string} text
 * @property {string} kind
 * @property {number} count
 */

export {};
