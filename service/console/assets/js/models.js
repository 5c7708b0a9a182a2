// The view of versions: who serves which, and the two buttons that change it.

import { activate, models, rollBack } from "./api.js";
import { h, problem, table } from "./dom.js";

/** Fill `view`; returns {show}. */
export function makeModels(view) {
  const [told, list] = [h("div", { "aria-live": "polite" }), h("div", {})];
  view.append(h("section", { class: "panel" }, told, list));

  async function show() {
    try {
      draw(await models());
    } catch (fault) {
      list.replaceChildren(problem(fault));
    }
  }

  function draw(found) {
    list.replaceChildren(
      h("div", { class: "head" }, h("h2", {}, "Models"),
        h("button", { type: "button", disabled: !found.previous, onclick: () => change(rollBack, `go back to ${found.previous}`) },
          found.previous ? `Roll back to ${found.previous}` : "Nothing to roll back to")),
      h("p", { class: "said" }, "This replica, ", h("span", { class: "mono" }, found.replica), ", serves ", h("strong", {}, found.serves), ".",
        found.pointer ? "" : " Redis does not say which is wanted: nobody has activated one yet."),
      table("Published here, or served by a replica", ["Version", "State", "Change", "Served by", "Refused by"], found.versions.map((one) => [
        h("span", { class: "mono" }, one.version), h("span", { class: `chip ${one.active ? "good strong" : ""}` }, stateOf(one)),
        one.published && !one.active
          ? h("button", { type: "button", "aria-label": `Activate ${one.version}`, onclick: () => change(() => activate(one.version), `activate ${one.version}`) }, "Activate") : "",
        one.served_by.join(", ") || "–", one.refused_by.map((each) => `${each.replica}: ${each.reason}`).join("; ") || "–"])));
  }

  async function change(act, words) {
    if (!window.confirm(`Have every replica ${words}?`)) return;
    told.replaceChildren(h("p", { class: "hint", role: "status" }, "Verifying and trying it…"));
    try {
      const { active } = await act();
      told.replaceChildren(h("p", { class: "good", role: "status" }, `${active} is active; the other replicas follow within a second.`));
    } catch (fault) {
      told.replaceChildren(problem(fault));
    }
    await show();
  }

  return { show };
}

function stateOf(one) {
  if (one.active) return "active";
  if (one.previous) return "previous";
  return one.published ? "published" : "elsewhere";
}
