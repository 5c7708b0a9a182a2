// The view that asks: a form, a slate, its waterfall; and a second of each beside it.

import { itemsLike, recommend, replay } from "./api.js";
import { fellBack, h, ms, percent, problem, settled } from "./dom.js";
import { makeForm } from "./form.js";
import { placesOf, slateCards } from "./slate.js";
import { waterfall } from "./waterfall.js";
import { fateOf, showWhy } from "./why.js";

/** Fill `view`; nothing is asked before it is shown. */
export function makeAsk(view, choices) {
  const [one, other] = [makeSide(choices, () => refresh(other)), makeSide(choices, () => refresh(one))];
  const forms = h("div", { class: "panel" });
  const compare = h("button", { type: "button", "aria-pressed": "false", onclick: toggle }, "Compare two");
  const grid = h("div", { class: "ask" }, forms, one.element);
  view.append(grid);
  lay(false);
  one.ask();

  function toggle() {
    const two = compare.getAttribute("aria-pressed") !== "true";
    compare.setAttribute("aria-pressed", String(two));
    compare.textContent = two ? "One again" : "Compare two";
    lay(two);
    compare.focus(); // it was taken out and put back
    refresh(one);
    if (two) other.form.copy(one.form); // its question is another one now, so it asks
  }

  function lay(two) {
    grid.classList.toggle("two", two);
    one.against = other.against = null;
    const heads = two ? [h("h2", {}, "A"), h("h2", {}, "B")] : [];
    forms.replaceChildren(h("div", { class: "head" }, h("h2", {}, two ? "Two questions" : "Question"), compare),
      ...(two ? [heads[0], one.form.element, h("hr"), heads[1], other.form.element] : [one.form.element]));
    grid.replaceChildren(forms, one.element, ...(two ? [other.element] : []));
    if (two) other.against = one;
  }

  function refresh(side) {
    if (side.against) side.draw();
  }
}

function makeSide(choices, drawn) {
  const element = h("div", { class: "side", "aria-live": "polite" });
  const side = { element, against: null, slate: null, draw, ask };
  side.form = makeForm(choices, ask);
  let asking = null;
  let debug = null;
  let stages = [];

  async function ask() {
    asking?.abort();
    const mine = asking = new AbortController();
    element.setAttribute("aria-busy", "true");
    try {
      const changes = side.form.otherwise();
      const answer = await recommend({ ...side.form.body(), debug: !changes }, mine.signal);
      let [slate, shown] = [answer, answer.debug?.stages ?? []];
      if (changes) {
        const { replayed } = await replay({ request_id: answer.request_id, ...changes }, mine.signal);
        [slate, shown] = [replayed.slate, replayed.stages];
      }
      [side.slate, debug, stages] = [slate, slate.debug ?? null, shown];
      draw();
      drawn();
    } catch (fault) {
      if (fault.name === "AbortError") return;
      side.slate = null;
      element.replaceChildren(problem(fault));
    } finally {
      if (asking === mine) element.removeAttribute("aria-busy");
    }
  }

  function draw() {
    if (!side.slate) return;
    const { slate } = side;
    const answered = stages.filter((stage) => stage.stage !== "explain");
    const total = Math.max(...answered.map((stage) => stage.start_ms + stage.ms), 0);
    const before = side.against?.slate ? placesOf(side.against.slate) : null;
    const shared = before ? slate.items.filter((item) => before.has(item.item_id)).length : 0;
    element.replaceChildren(
      h("div", { class: "panel" },
        h("div", { class: "stats" },
          stat(ms(total), "answered in"),
          debug ? stat(debug.found, "candidates") : null,
          debug && debug.scored !== debug.found ? stat(debug.scored, "scored") : null,
          stat(percent(slate.coverage.features), "features known"),
          before ? stat(`${shared} of ${slate.items.length}`, "also in A") : null),
        h("p", { class: "hint said" }, `model ${slate.model_version} · variant ${slate.variant} · `, h("span", { class: "mono" }, slate.request_id)),
        slate.degraded.length ? h("p", { class: "warn" }, "Degraded: ", fellBack(slate.degraded)) : null,
        slate.relaxed?.length ? h("p", { class: "warn" }, `Rules that could not be kept: ${slate.relaxed.join(", ")}`) : null),
      h("section", { "aria-label": "Slate" }, slateCards(slate, before, (item) => showWhy(item, debug))),
      h("section", { class: "panel", "aria-label": "Waterfall" }, h("div", { class: "head" }, h("h2", {}, "Where the time went")),
        waterfall(answered, { shares: debug?.shares, total })),
      debug ? h("section", { class: "panel", "aria-label": "Sources" }, h("div", { class: "head" }, h("h2", {}, "Where they came from")), sources(debug)) : null,
      debug ? whyNot(side.form) : null);
  }
  return side;
}

function stat(value, name) {
  return h("div", { class: "stat" }, h("b", {}, value), h("span", {}, name));
}

function sources(debug) {
  const most = Math.max(...debug.sources.map((one) => one.offered), 1);
  return h("div", { class: "offers" }, debug.sources.flatMap((one) => [
    h("span", {}, one.source),
    h("span", { class: "meter", role: "img", "aria-label": `${one.offered} offered, ${one.alone} of them by it alone` },
      h("i", { "--part": one.offered / most }), h("i", { class: "alone", "--part": one.alone / most })),
    h("span", { class: "value" }, one.offered), h("span", { class: "faint" }, `${one.alone} by it alone`)]),
    debug.masks.flatMap((one) => [
      h("span", { class: "faint" }, one.mask), h("span", { class: "rule" }),
      h("span", { class: "value faint" }, one.blocks), h("span", { class: "faint" }, "kept away")]));
}

function whyNot(form) {
  const found = h("datalist", { id: `${form.element.elements[0].name}-not` });
  const input = h("input", { autocomplete: "off", spellcheck: "false", list: found.id, placeholder: "an item's id, or a word of its title", "aria-label": "Item id" });
  const told = h("div", { "aria-live": "polite" });
  input.addEventListener("input", settled(async () => {
    if (!input.value.trim()) return;
    const items = await itemsLike(input.value.trim()).catch(() => []);
    found.replaceChildren(...items.map((item) => h("option", { value: item.item_id }, item.title)));
  }, 200));
  const ask = async (event) => {
    event.preventDefault();
    const why = input.value.trim();
    if (!why) return;
    try {
      const answer = await recommend({ ...form.body(), debug: true, why_not: [why] });
      told.replaceChildren(...answer.debug.why_not.map(fateOf));
    } catch (fault) {
      told.replaceChildren(problem(fault));
    }
  };
  return h("section", { class: "panel", "aria-label": "Why not" },
    h("div", { class: "head" }, h("h2", {}, "Why not that one?")),
    h("form", { class: "with-button", onsubmit: ask }, input, found, h("button", { type: "submit" }, "Tell")), told);
}
