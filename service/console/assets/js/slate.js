// A slate as cards: what is shown, whose offer it was, why, and how sure.

import { h, number, titleOf } from "./dom.js";

/** Make the list; `before` maps item ids to their places in the other slate, `open` takes an item. */
export function slateCards(slate, before, open) {
  if (!slate.items.length) return h("p", { class: "empty" }, "Nothing may be shown: the filter, or what was seen already, leaves no item.");
  const scores = slate.items.map((item) => item.score);
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  return h("ol", { class: "cards" }, slate.items.map((item, index) => {
    const part = high > low ? 0.06 + 0.94 * (item.score - low) / (high - low) : 1;
    return h("li", { class: "card", "data-item": item.item_id },
      h("div", { class: "top" },
        h("span", { class: "place" }, index + 1),
        h("h3", {}, h("button", { type: "button", onclick: () => open(item, index), "aria-haspopup": "dialog" }, titleOf(item))),
        before ? moved(before.get(item.item_id), index) : null),
      h("ul", { class: "chips" }, labels(item.properties).map((label) => h("li", { class: "chip" }, label))),
      h("p", { class: "reason" }, item.reason),
      h("div", { class: "foot" },
        h("span", { class: "chip strong", title: "the source that offered it" }, item.source),
        h("span", { class: "meter", role: "img", "aria-label": `score ${number(item.score)}` }, h("i", { "--part": part })),
        h("span", { class: "mono", title: "score" }, item.score.toFixed(3))));
  }));
}

/** Map a slate's item ids to their places. */
export function placesOf(slate) {
  return new Map(slate.items.map((item, index) => [item.item_id, index]));
}

function moved(place, now) {
  if (place === undefined) return h("span", { class: "moved good" }, "new");
  if (place === now) return null;
  const up = place > now;
  return h("span", { class: `moved ${up ? "good" : "warn"}`, "aria-label": `${Math.abs(place - now)} places ${up ? "higher" : "lower"}` },
    `${up ? "▲" : "▼"} ${Math.abs(place - now)}`);
}

function labels(properties = {}) {
  const lists = Object.values(properties).filter(Array.isArray).flat();
  const numbers = Object.entries(properties).filter(([name, value]) => name !== "title" && typeof value === "number").map(([, value]) => value);
  return [...lists, ...numbers].slice(0, 5).map(String);
}
