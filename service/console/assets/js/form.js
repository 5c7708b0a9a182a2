// The question: who asks, and how. One form is one configuration; two stand side by side.

import { itemsLike } from "./api.js";
import { h, settled } from "./dom.js";

const WHO = [["user", "User"], ["session", "Session"], ["seeds", "Items like"]];
let forms = 0;

/** Make a form that calls `changed` when its question has become another one. */
export function makeForm(choices, changed) {
  const at = `form${forms++}`;
  const tell = settled(changed);
  const named = (id, label, shown, control) => {
    control.id = `${at}-${id}`;
    return h("div", {}, h("label", { class: "name", for: control.id }, label, shown), control);
  };
  const slider = (id, label, low, high, step, value, say) => {
    const shown = h("output", { for: `${at}-${id}` }, say(value));
    const control = h("input", { type: "range", min: low, max: high, step, oninput: () => { shown.value = say(Number(control.value)); tell(); } });
    control.value = value;
    control.defaultValue = value;
    return { control, part: named(id, label, shown, control) };
  };
  const select = (id, label, options) => {
    const control = h("select", { onchange: tell }, options.map(([value, text]) => h("option", { value }, text)));
    return { control, part: named(id, label, null, control) };
  };

  const users = h("datalist", { id: `${at}-users` }, choices.users.map((user) => h("option", { value: user })));
  const found = h("datalist", { id: `${at}-found` });
  const who = h("input", { autocomplete: "off", spellcheck: "false", "aria-describedby": `${at}-hint` });
  who.value = choices.users[0] ?? "visitor-1";
  const hint = h("p", { class: "hint", id: `${at}-hint` });
  const radios = WHO.map(([value, label], index) =>
    h("label", {}, h("input", { type: "radio", name: `${at}-who`, value, checked: index === 0, onchange: () => { choose(); tell(); } }), h("span", {}, label)));
  const kind = () => radios.map((label) => label.firstChild).find((radio) => radio.checked).value;

  function choose() {
    who.setAttribute("list", kind() === "user" ? users.id : found.id);
    who.setAttribute("aria-label", kind() === "user" ? "User id" : "Item ids, separated by blanks");
    who.value = kind() === "user" ? choices.users[0] ?? "visitor-1" : choices.items.slice(0, 2).map((item) => item.item_id).join(" ");
    hint.textContent = kind() === "user" ? "Any id: one that Braid has never seen is a stranger." : "Ids separated by blanks; type a word of a title to look for its id.";
  }
  const look = settled(async () => {
    const word = who.value.split(/\s+/).at(-1);
    if (kind() === "user" || !word) return;
    const before = who.value.slice(0, who.value.length - word.length);
    const items = await itemsLike(word).catch(() => []);
    found.replaceChildren(...items.map((item) => h("option", { value: before + item.item_id }, item.title)));
  }, 200);
  who.addEventListener("input", () => { look(); tell(); });

  const surface = select("surface", "Surface", choices.surfaces.filter((one) => one.name !== "search").map((one) => [one.name, one.name]));
  const limit = slider("limit", "Limit", 1, 50, 1, 12, String);
  const diversity = slider("diversity", "Diversity", -0.05, 1, 0.05, -0.05, (value) => (value < 0 ? "the surface's" : value.toFixed(2)));
  const deadline = slider("deadline", "Deadline", 0, 100, 1, 0, (value) => (value ? `${value} ms` : "the surface's"));
  const model = select("model", "Model", [["", `serving (${choices.serving})`], ...choices.versions.filter((one) => one !== choices.serving).map((one) => [one, one])]);
  const variant = select("variant", "Variant", [["", "by the user's id"]]);
  const filter = h("input", { autocomplete: "off", spellcheck: "false", placeholder: "genre in ('Comedy') and year >= 1990", oninput: tell });
  surface.control.addEventListener("change", offerVariants);

  function offerVariants() {
    const one = choices.surfaces.find((each) => each.name === surface.control.value);
    variant.control.replaceChildren(h("option", { value: "" }, "by the user's id"),
      ...Object.keys(one?.variants ?? {}).map((name) => h("option", { value: name }, name)));
    variant.part.hidden = !Object.keys(one?.variants ?? {}).length;
  }

  const element = h("form", { class: "form", onsubmit: (event) => { event.preventDefault(); changed(); } },
    h("fieldset", {}, h("legend", {}, "Who"), h("div", { class: "choices" }, radios), who, hint, users, found),
    surface.part, limit.part, diversity.part, deadline.part, named("filter", "Filter", null, filter), variant.part, model.part,
    h("button", { class: "primary", type: "submit" }, "Ask"));
  choose();
  offerVariants();

  /** The body of `POST /v1/recommendations`. */
  function body() {
    const words = who.value.trim().split(/\s+/).filter(Boolean);
    const asked = { surface: surface.control.value, limit: Number(limit.control.value) };
    if (kind() === "user") asked.user_id = who.value.trim();
    if (kind() === "session") asked.session = words;
    if (kind() === "seeds") asked.seed_items = words;
    if (Number(diversity.control.value) >= 0) asked.diversity = Number(diversity.control.value);
    if (Number(deadline.control.value)) asked.deadline_ms = Number(deadline.control.value);
    if (filter.value.trim()) asked.filter = filter.value.trim();
    return asked;
  }

  /** What is to be otherwise than it is served: another model, a variant's settings. */
  function otherwise() {
    const one = choices.surfaces.find((each) => each.name === surface.control.value);
    const changes = {};
    if (model.control.value) changes.model_version = model.control.value;
    if (variant.control.value) changes.surface = one.variants[variant.control.value];
    return Object.keys(changes).length ? changes : null;
  }

  /** Say the same as another form does. */
  function copy(other) {
    for (const [index, control] of [...other.element.elements].entries()) {
      const mine = element.elements[index];
      if (control.type === "radio") mine.checked = control.checked;
    }
    choose();
    offerVariants();
    for (const [index, control] of [...other.element.elements].entries()) {
      if (control.type === "radio" || control.type === "submit") continue;
      element.elements[index].value = control.value;
      if (control.type === "range") element.elements[index].dispatchEvent(new Event("input"));
    }
  }

  return { element, body, otherwise, copy };
}
