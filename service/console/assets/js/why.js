// The drawer: why this item, and why not that one.

import { h, number, table, titleOf } from "./dom.js";

const drawer = document.getElementById("drawer");

const FATES = {
  catalogue: "There is no such item in the catalogue.",
  masks: "It was kept away before the search.",
  retrieve: "No source offered it.",
  light: "The light phase kept others.",
  score: "Others scored higher.",
  rerank: "Its score would have done, but rules or diversity put others first.",
  slate: "It is in the slate.",
};

/** Tell how an item of the slate came to its place. */
export function showWhy(item, debug) {
  const found = debug?.items.find((one) => one.item_id === item.item_id);
  open(titleOf(item), [
    h("p", { class: "faint" }, item.reason || "No reason is given on this surface.", " ", h("span", { class: "mono" }, `item ${item.item_id}`)),
    ...(found ? taken(found, debug) : [h("p", { class: "faint" }, "A replay by another model keeps no explanation. Ask by the model that serves for one.")]),
  ]);
}

/** Tell on which stage an item was lost. */
export function fateOf(fate) {
  const [label, weight] = fate.stage === "slate" ? ["good", 0] : ["warn", 0];
  const place = fate.place ? `place ${fate.place + weight}` : "";
  return h("div", { class: "fate" },
    h("p", {}, h("strong", { class: label }, fate.stage), " · ", FATES[fate.stage] ?? ""),
    h("p", { class: "faint" }, fate.reason, fate.masks?.length ? ` (${fate.masks.join(", ")})` : ""),
    h("p", { class: "mono faint" }, [place, fate.score !== undefined ? `score ${number(fate.score)}` : "",
      fate.last_score !== undefined ? `the slate's last has ${number(fate.last_score)}` : ""].filter(Boolean).join(" · ")));
}

function taken(found, debug) {
  const steps = found.place === found.place_by_score ? "where its score alone puts it" : `by score alone it would be at ${found.place_by_score}; ${found.moved_by ? `moved by ${found.moved_by}` : "others' rules shifted it"}`;
  return [
    h("p", {}, `Place ${found.place}: ${steps}.`),
    ...found.attributions.map((one) => attribution(one, debug)),
    table("Who offered it", ["Source", { number: "Place" }, { number: "Score" }],
      found.provenance.map((one) => [one.source, { number: one.place }, { number: number(one.score) }])),
    table("What the model saw", ["Column", { number: "Value" }],
      Object.entries(found.features).map(([name, value]) => [name, { number: number(value) }])),
  ];
}

function attribution(one, debug) {
  const all = Object.entries(one.contributions).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const shown = all.slice(0, 12);
  const rest = all.slice(12).reduce((sum, [, value]) => sum + value, one.rest);
  if (Math.abs(rest) > 1e-9) shown.push([all.length > 12 ? `${all.length - 12} more columns` : "rest", rest]);
  const largest = Math.max(...shown.map(([, value]) => Math.abs(value)), 1e-12);
  const weight = debug.weights[one.objective];
  return h("section", {},
    h("h3", {}, `${one.objective}: ${number(one.score)}`, weight !== undefined && weight !== 1 ? ` × ${number(weight)}` : ""),
    h("p", { class: "hint" }, `From ${number(one.base)}, what an average candidate has, each column moves it (${one.method.replace("_", " ")}):`),
    h("div", { class: "forces" }, shown.flatMap(([name, value]) => [
      h("span", { class: "column" }, name),
      h("span", { class: `track ${value < 0 ? "down" : "up"}` }, h("i", { "--part": Math.abs(value) / largest })),
      h("span", { class: "value" }, `${value > 0 ? "+" : ""}${number(value)}`)])));
}

function open(title, parts) {
  drawer.replaceChildren(
    h("div", { class: "head" }, h("h2", { id: "drawer-title" }, title),
      h("button", { type: "button", onclick: () => drawer.close(), "aria-label": "Close" }, "✕")),
    ...parts);
  drawer.showModal();
  drawer.scrollTop = 0;
}
