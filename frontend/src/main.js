/** Joins the application with this page and this browser. */

import * as client from "./api/client.js";
import { createApp } from "./app.js";
import { cropView } from "./features/crop/view.js";
import { detailsView } from "./features/details/view.js";
import { wanted } from "./features/events/state.js";
import { eventsView } from "./features/events/view.js";
import { examplesView } from "./features/examples/view.js";
import { facetsView } from "./features/facets/view.js";
import { prepared } from "./features/picture/prepare.js";
import { pictureView } from "./features/picture/view.js";
import { queryView } from "./features/query/view.js";
import { resultsView } from "./features/results/view.js";
import { understandingView } from "./features/understanding/view.js";
import { the } from "./shared/dom.js";

const app = createApp(client, {
  address: () => location.search,
  setAddress(search, step) {
    if (search === location.search) return;
    const address = `${location.pathname}${search}`;
    if (step === "push") history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  },
  prepare: prepared,
  preview: (source) => (typeof source === "string" ? null : URL.createObjectURL(source)),
  forget(shown) {
    if (shown.startsWith("blob:")) URL.revokeObjectURL(shown);
  },
});

const query = the("query", HTMLElement);
app.watch(queryView(app));
app.watch(pictureView(app));
app.watch(cropView(app));
app.watch(examplesView(app));
app.watch(understandingView(app));
app.watch(facetsView(app));
app.watch(resultsView(app, detailsView(app)));
const reports = document.querySelector("meta[name='lookalike-events']")?.getAttribute("content") ?? null;
if (wanted(reports, navigator)) app.watch(eventsView(app, client.report));
app.watch((state) => {
  const { tags, notTags, examples } = state.query;
  query.hidden = state.picture.phase === "none" && examples.length === 0 && tags.length === 0 && notTags.length === 0;
});

addEventListener("popstate", () => void app.readAddress());
void app.readAddress();
