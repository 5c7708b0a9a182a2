// Where the milliseconds went: the stages in a row, and below them each helper's shares.

import { h, ms } from "./dom.js";

/**
 * Draw `stages`, each {stage, start_ms, ms, wait_ms?}, and `shares`, each {thread, stage,
 * start_ms, ms}, over one axis of `total` milliseconds.
 */
export function waterfall(stages, shares = [], total = 0) {
  const end = Math.max(total, ...stages.map((one) => one.start_ms + one.ms), 0.01);
  const bar = (one, length, kind) => h("i", {
    class: kind, "data-stage": one.stage, "--from": one.start_ms / end, "--part": length / end,
    title: `${one.stage}: ${ms(length)}${kind === "wait" ? " waiting" : ""}, from ${ms(one.start_ms)}`,
  });
  const own = stages.flatMap((one) => {
    const wait = Math.min(one.wait_ms ?? 0, one.ms);
    const working = bar(one, one.ms - wait, "work");
    return wait > 0.02 ? [working, bar({ ...one, start_ms: one.start_ms + one.ms - wait }, wait, "wait")] : [working];
  });
  const threads = Map.groupBy(shares, (share) => share.thread);
  const lanes = [["event loop", own], ...[...threads].map(([thread, did]) => [thread, did.map((one) => bar(one, one.ms, "work"))])];
  const words = stages.map((one) => `${one.stage} ${ms(one.ms)}`).join(", ");
  return h("div", {},
    h("div", { class: "waterfall", role: "img", "aria-label": `Stages: ${words}` },
      lanes.flatMap(([name, bars]) => [h("span", { class: "name", title: name }, name), h("div", { class: "lane" }, bars)]),
      h("span"), axis(end)),
    h("ul", { class: "key" }, stages.map((one) =>
      h("li", { "data-stage": one.stage }, h("i"), one.stage, " ", h("b", {}, ms(one.ms)),
        one.wait_ms > 0.02 ? ` (${ms(one.wait_ms)} waiting)` : "", one.threads > 1 ? ` · ${one.threads} threads` : ""))));
}

function axis(end) {
  const marks = [0, 0.25, 0.5, 0.75, 1];
  return h("div", { class: "axis" }, marks.map((part) => h("span", { "--from": part }, ms(part * end))));
}
