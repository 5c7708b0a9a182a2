// Where the milliseconds went: the stages in a row, and below them each thread's shares of them.

import { h, ms } from "./dom.js";

const SHOWN_WAIT_MS = 0.02;

/**
 * Draw `stages`, each {stage, start_ms, ms, wait_ms?, threads?}, over one axis of `total`
 * milliseconds; and `shares`, each {thread, stage, start_ms, ms}, a lane for each thread.
 */
export function waterfall(stages, { shares = [], total = 0 } = {}) {
  const end = Math.max(total, ...stages.map((one) => one.start_ms + one.ms), 0.01);
  const bar = (one, kind = "work") => h("i", {
    class: kind, "data-stage": one.stage, "--from": one.start_ms / end, "--part": one.ms / end,
    title: `${one.stage}: ${ms(one.ms)}${kind === "wait" ? " waiting" : ""}, from ${ms(one.start_ms)}`,
  });
  const lanes = [["stages", stages.flatMap((one) => parts(one).map(([part, kind]) => bar(part, kind)))],
    ...[...Map.groupBy(shares, (share) => share.thread)].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
      .map(([thread, did]) => [named(thread), did.map((one) => bar(one)), ms(did.reduce((sum, one) => sum + one.ms, 0))])];
  return h("div", { class: "timing" },
    h("div", { class: "waterfall", role: "img", "aria-label": words(stages, shares) },
      lanes.flatMap(([name, bars, busy]) => [
        h("span", { class: "name" }, name), h("div", { class: "lane" }, bars), h("span", { class: "busy" }, busy)]),
      h("span"), axis(end)),
    h("ul", { class: "key" }, stages.map((one) =>
      h("li", { "data-stage": one.stage }, h("i"), one.stage, " ", h("b", {}, ms(one.ms)),
        one.threads > 1 ? ` · ${one.threads} threads` : "")),
    stages.some((one) => one.wait_ms > SHOWN_WAIT_MS)
      ? h("li", {}, h("i", { class: "wait" }), "waiting ", h("b", {}, ms(stages.reduce((sum, one) => sum + (one.wait_ms ?? 0), 0)))) : null));
}

/** Cut a stage into the time its thread worked and the time it waited, which is drawn behind. */
function parts(one) {
  const wait = Math.min(one.wait_ms ?? 0, one.ms);
  if (wait <= SHOWN_WAIT_MS) return [[one, "work"]];
  const worked = one.ms - wait;
  return [[{ ...one, ms: worked }, "work"], [{ ...one, start_ms: one.start_ms + worked, ms: wait }, "wait"]];
}

/** The thread that asks stands above those that help it. */
function rank(thread) {
  return thread.startsWith("braid-loop") ? 0 : 1;
}

function named(thread) {
  return thread.replace(/^braid-/, "").replace(/-(\d+)$/, " $1");
}

function words(stages, shares) {
  const threads = new Set(shares.map((share) => share.thread)).size;
  const each = stages.map((one) => `${one.stage} ${ms(one.ms)}${one.wait_ms > SHOWN_WAIT_MS ? `, of which ${ms(one.wait_ms)} waiting` : ""}`);
  return `Stages: ${each.join("; ")}.${shares.length ? ` Shares: ${shares.length} on ${threads} ${threads === 1 ? "thread" : "threads"}.` : ""}`;
}

function axis(end) {
  const marks = [0, 0.25, 0.5, 0.75, 1];
  return h("div", { class: "axis" }, marks.map((part) => h("span", { "--from": part }, ms(part * end))));
}
