// What the well-known accessibility checkers look for first. Each finding names its element.
() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("[aria-hidden=true]");
  const fault = (what, e) => faults.push(`${what}: ${e.outerHTML.slice(0, 120)}`);
  const name = (e) =>
    (e.getAttribute("aria-label") || e.innerText || e.getAttribute("title") || e.querySelector("img")?.alt || "").trim();

  for (const e of all("img")) if (!e.hasAttribute("alt")) fault("no alt", e);
  for (const e of all("input, select, textarea, meter")) {
    if (seen(e) && !(e.labels?.length || e.getAttribute("aria-label"))) fault("no label", e);
  }
  for (const e of all("button, a[href]")) if (seen(e) && !name(e)) fault("no name", e);
  for (const e of all("[role=application], [role=group], dialog[open]")) {
    if (seen(e) && !e.getAttribute("aria-label") && !e.getAttribute("aria-labelledby")) fault("no name", e);
  }
  for (const e of all("[tabindex]")) if (e.tabIndex > 0) fault("a tab order of its own", e);
  for (const e of all("button button, a a, a button, button a")) fault("nested controls", e);
  for (const e of all("ul > :not(li), dl > :not(dt, dd)")) fault("no list item", e);
  for (const attribute of ["aria-labelledby", "aria-describedby", "aria-controls", "for"]) {
    for (const e of all(`[${attribute}]`)) {
      const lost = e.getAttribute(attribute).split(" ").some((id) => !document.getElementById(id));
      if (lost && seen(e)) fault(`${attribute} leads nowhere`, e);
    }
  }
  const ids = all("[id]").map((e) => e.id);
  for (const id of ids.filter((one, n) => ids.indexOf(one) !== n)) faults.push(`an id twice: ${id}`);
  for (const one of ["h1", "main"]) if (all(one).length !== 1) faults.push(`not one ${one}`);
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.title) faults.push("no title");
  let last = 0;
  for (const e of all("h1, h2, h3, h4").filter(seen)) {
    const level = Number(e.tagName[1]);
    if (level > last + 1) fault("a heading skips a level", e);
    last = level;
  }
  return faults;
}
