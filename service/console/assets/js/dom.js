// Making elements, and putting numbers into words.

/** Make an element: attributes, `on…` listeners, `data` and custom properties (`--part`). */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Say one number with as many digits as help. */
export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { maximumSignificantDigits: Math.max(digits, String(Math.trunc(Math.abs(value))).length) });
}

/** Milliseconds with their unit. */
export function ms(value) {
  return Number.isFinite(value) ? `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms` : "–";
}

/** A share from 0 to 1 in percent. */
export function percent(value) {
  return Number.isFinite(value) ? `${(100 * value).toFixed(value > 0.995 || value < 0.005 ? 1 : 0)} %` : "–";
}

/** The box that tells what went wrong, and the remedy. */
export function problem(fault) {
  return h("div", { class: "problem", role: "alert" }, h("strong", {}, fault.title ?? "It did not work"), " ", fault.message,
    fault.path ? h("div", { class: "mono faint" }, fault.path) : null);
}

/** The end of a request's id: the beginning is the time, which requests at once have in common. */
export const shortId = (id) => id.slice(-12);

/** What fell back, and why: each once, whatever number of the request's slates it befell. */
export function fellBack(degraded) {
  return [...new Set(degraded.map(({ stage, reason }) => `${stage} (${reason})`))].join(", ");
}

/** A table of rows of cells; a cell is text, an element, or `{number: text}`. */
export function table(caption, heads, rows) {
  const cell = (tag, one) => one && typeof one === "object" && "number" in one
    ? h(tag, { class: "number" }, one.number) : h(tag, {}, one ?? "");
  const head = h("tr", {}, heads.map((one) => { const made = cell("th", one); made.scope = "col"; return made; }));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: "hint" }, caption), h("thead", {}, head),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((one) => cell("td", one)))))));
}

/** What stands for an item: its title, else its name, else its id. */
export function titleOf(item) {
  const { title, name } = item.properties ?? {};
  return String(title ?? name ?? item.item_id);
}

/** Wait for a quiet moment of so many milliseconds, then act once. */
export function settled(act, pause = 160) {
  let timer;
  return (...rest) => { clearTimeout(timer); timer = setTimeout(act, pause, ...rest); };
}
