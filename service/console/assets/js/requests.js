// The view that looks back: recent, slow and failed requests, one in full, and its replay.

import { replay, request, requests } from "./api.js";
import { fellBack, h, ms, problem, shortId, table } from "./dom.js";
import { placesOf, slateCards } from "./slate.js";
import { waterfall } from "./waterfall.js";
import { showWhy } from "./why.js";

const ORDERS = [["recent", "Recent"], ["slow", "Slowest"], ["failed", "Failed or degraded"]];
const EMPTY = {
  recent: "None is kept yet: ask something first.",
  slow: "None is kept yet: ask something first.",
  failed: "None has failed or fallen back of late.",
};

/** Fill `view`; returns {show, open}: list anew, and open one by its id. */
export function makeRequests(view, choices) {
  const order = h("select", { id: "requests-order", onchange: show }, ORDERS.map(([value, label]) => h("option", { value }, label)));
  const [list, one] = [h("div", {}), h("div", { class: "stack", "aria-live": "polite" })];
  view.append(
    h("section", { class: "panel" },
      h("div", { class: "head" }, h("h2", {}, "Requests"), h("div", { class: "with-button" }, h("label", { class: "hint", for: order.id }, "Show "), order,
        h("button", { type: "button", onclick: show }, "Again"))), list), one);

  async function show() {
    try {
      const { requests: found } = await requests(order.value);
      list.replaceChildren(found.length ? table("Kept by the flight recorder, each process for itself",
        ["Request", "When", { number: "Time" }, { number: "Status" }, "User", "Degraded", "Surface", "Route"],
        found.map((flown) => [h("button", { class: "link mono", type: "button", "data-request": flown.request_id, onclick: () => open(flown.request_id) }, shortId(flown.request_id)),
          new Date(flown.at_ms).toLocaleTimeString("en-GB"), { number: ms(flown.total_ms) }, { number: flown.status },
          flown.user_id ?? "–", fellBack(flown.degraded) || "–", flown.surface ?? "–", flown.route]))
        : h("p", { class: "empty" }, EMPTY[order.value]));
    } catch (fault) {
      list.replaceChildren(problem(fault));
    }
  }

  async function open(id) {
    try {
      const found = await request(id);
      one.replaceChildren(...opened(id, found));
      for (const button of list.querySelectorAll("[data-request]")) button.setAttribute("aria-current", String(button.dataset.request === id));
      one.firstChild.focus({ preventScroll: true }); // a reader goes where the answer is
      one.scrollIntoView({ block: "start" });
    } catch (fault) {
      one.replaceChildren(problem(fault));
    }
  }

  function opened(id, found) {
    const [slate] = found.slates;
    const model = h("select", { "aria-label": "Model to replay by" }, h("option", { value: "" }, `serving (${choices.serving})`),
      choices.versions.filter((version) => version !== choices.serving).map((version) => h("option", { value: version }, version)));
    const again = h("button", { type: "button", class: "primary", onclick: () => runAgain(id, model.value, place) }, "Replay");
    const place = h("div", { class: "stack", id: "replayed" });
    return [
      h("section", { class: "panel", "aria-label": "Request", tabindex: "-1" },
        h("div", { class: "head" }, h("h2", {}, "Request ", h("span", { class: "mono" }, id)),
          found.body && found.slates.length === 1 ? h("div", { class: "with-button" }, model, again) : null),
        waterfall(found.stages, { total: found.request.total_ms }),
        h("details", {}, h("summary", {}, "Body"), h("pre", { class: "mono" }, JSON.stringify(found.body, null, 2)))),
      h("div", { class: "pair" },
        slate ? h("section", { class: "panel", "aria-label": "Slate" }, h("div", { class: "head" }, h("h2", {}, "As recorded")),
          slateCards(slate, null, (item) => showWhy(item, slate.debug))) : null, place),
    ];
  }

  async function runAgain(id, version, place) {
    try {
      const answer = await replay({ request_id: id, ...(version ? { model_version: version } : {}) });
      const { recorded, replayed, overlap } = answer;
      place.replaceChildren(h("section", { class: "panel", "aria-label": "Replay" },
        h("div", { class: "head" }, h("h2", {}, `Replayed by ${replayed.model_version}`),
          h("span", { class: "faint" }, overlap ? (overlap.same ? "the same slate" : `rank-biased overlap ${overlap.rank_biased.toFixed(2)}`) : "")),
        replayed.slate ? slateCards(replayed.slate, recorded.slate ? placesOf(recorded.slate) : null, (item) => showWhy(item, null)) : null,
        waterfall(replayed.stages, { total: replayed.total_ms }),
        answer.as_of_now.length ? h("p", { class: "hint" }, `As of now, not as recorded: ${answer.as_of_now.join(", ")}.`) : null));
    } catch (fault) {
      place.replaceChildren(problem(fault));
    }
    place.scrollIntoView({ block: "nearest" });
  }

  return { show, open };
}
