/** Lays out /openapi.json. Text only ever becomes text nodes, so nothing in the document can run. */

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const shorter = (reference) => reference.split("/").pop();

/** The type of a schema in a few words. */
function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return shorter(schema.$ref);
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].filter((one) => one !== "null").join(" or ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.type === "array") return `list of ${typeOf(schema.items) || "anything"}`;
  return schema.format ? `${schema.type} (${schema.format})` : (schema.type ?? "anything");
}

function table(heads, rows) {
  const line = (cells, tag) => element("tr", {}, ...cells.map((cell) => element(tag, {}, cell)));
  return element("table", {}, element("thead", {}, line(heads, "th")), element("tbody", {}, ...rows.map((row) => line(row, "td"))));
}

function folded(title, ...children) {
  return element("details", {}, element("summary", {}, title), ...children);
}

function fields(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, one]) => [name, typeOf(one), one.description ?? ""]);
  return table(["Field", "Type", ""], rows);
}

function operationCard(path, method, told) {
  const card = element("section", { id: told.operationId });
  card.append(element("h3", {}, element("span", { class: "method" }, method.toUpperCase()), ` ${path}`));
  card.append(element("p", {}, [told.summary, told.description].filter(Boolean).join(" ")));
  if (told.parameters?.length) {
    card.append(table(["Argument", "In", "Type", ""], told.parameters.map((one) => [one.name, one.in, typeOf(one.schema), one.description ?? ""])));
  }
  for (const [kind, content] of Object.entries(told.requestBody?.content ?? {})) {
    card.append(element("p", {}, "Body: ", element("code", {}, kind), ` ${typeOf(content.schema)}`));
    const example = content.example;
    if (example !== undefined) card.append(element("pre", {}, typeof example === "string" ? example : JSON.stringify(example, null, 2)));
  }
  const answers = Object.entries(told.responses ?? {}).map(([status, one]) => {
    const schema = Object.values(one.content ?? {})[0]?.schema;
    return [status, one.description, typeOf(schema)];
  });
  card.append(folded("Answers", table(["Status", "", "Shape"], answers)));
  return card;
}

function show(told) {
  const main = document.getElementById("operations");
  const contents = element("ul");
  const groups = new Map((told.tags ?? []).map((tag) => [tag.name, []]));
  for (const [path, operations] of Object.entries(told.paths)) {
    for (const [method, one] of Object.entries(operations)) {
      if (!one.operationId) continue;
      const group = one.tags?.[0] ?? "Other";
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(operationCard(path, method, one));
      contents.append(element("li", {}, element("a", { href: `#${one.operationId}` }, `${method.toUpperCase()} ${path}`)));
    }
  }
  main.replaceChildren();
  for (const [name, cards] of groups) main.append(element("h2", {}, name), ...cards);
  main.append(element("h2", {}, "Problems"));
  const problems = table(["Status", "Name", ""], told["x-problems"].map((one) => [String(one.status), one.name, one.title]));
  problems.querySelectorAll("tbody tr").forEach((row, place) => row.setAttribute("id", `problem-${told["x-problems"][place].name}`));
  main.append(problems, element("h2", {}, "Shapes"));
  for (const [name, schema] of Object.entries(told.components.schemas)) {
    main.append(folded(name, element("p", {}, schema.description ?? ""), fields(schema)));
  }
  document.getElementById("contents").replaceChildren(contents);
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

try {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  show(await answer.json());
} catch (error) {
  document.getElementById("operations").replaceChildren(`The description could not be read: ${error.message}. Load the page again.`);
}
