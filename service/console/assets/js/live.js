// The view that watches: what /metrics says each second, as tiles with their last two minutes.

import { metrics, requests } from "./api.js";
import { fellBack, h, ms, number, percent, problem, shortId, table } from "./dom.js";
import { between, parseMetrics, quantile, sum } from "./metrics.js";

const EVERY_MS = 1000;
const KEPT = 120;
const STAGES = ["context", "retrieve", "features", "score", "rerank", "encode", "total"];
const OVER = 5; // seconds that quantiles are of: one second alone has too few requests

/** Fill `view`; returns {show, hide}, for it asks only while it is looked at. */
export function makeLive(view, openRequest) {
  const tiles = Object.fromEntries([
    ["rate", "Requests per second"], ["p50", "Answer time, p50"], ["p99", "Answer time, p99"], ["degraded", "Degraded answers"],
    ["near", "Near cache hits"], ["crew", "Requests that had help"], ["gc", "Garbage collection pauses"], ["effect", "Event to effect, p99"],
  ].map(([id, name]) => [id, makeTile(name)]));
  const stages = h("div", {});
  const slow = h("div", {});
  const fault = h("div", {});
  view.append(fault, h("div", { class: "tiles" }, Object.values(tiles).map((tile) => tile.element)),
    h("section", { class: "panel", "aria-label": "Stages" }, h("div", { class: "head" }, h("h2", {}, "Stages")), stages),
    h("section", { class: "panel", "aria-label": "Slowest requests" }, h("div", { class: "head" }, h("h2", {}, "Slowest of late")), slow));
  let readings = [];
  let looking = null; // one watch at a time: each look belongs to the one that began it

  async function look(watch, turn = 0) {
    try {
      const now = { at: performance.now(), metrics: parseMetrics(await metrics()) };
      if (watch !== looking) return;
      if (readings.length && started(readings[0]) !== started(now)) readings = []; // another process counts from 0
      readings.push(now);
      if (readings.length > OVER + 1) readings.shift();
      if (readings.length > 1) draw();
      fault.replaceChildren();
    } catch (told) {
      fault.replaceChildren(problem(told));
    }
    if (turn % OVER === 0) listSlow(); // not waited for: the figures are read each second
    if (watch === looking) setTimeout(look, EVERY_MS, watch, turn + 1);
  }

  function draw() {
    const [{ at: before, metrics: long }, previous, { at, metrics: now }] = [readings[0], readings.at(-2), readings.at(-1)];
    const lately = (name, wanted) => (sum(now, name, wanted) - sum(previous.metrics, name, wanted)) / ((at - previous.at) / 1000);
    const over = (name, wanted) => sum(now, name, wanted) - sum(long, name, wanted);
    const total = between(long, now, "braid_stage_duration_seconds", { stage: "total" });
    const failed = (now.get("braid_requests_total") ?? []).filter(({ labels }) => labels.status >= "500")
      .reduce((all, { labels }) => all + over("braid_requests_total", labels), 0);
    tiles.rate.set(lately("braid_requests_total"), (value) => number(value), failed ? `${failed} failed in ${OVER} s` : "none failed", failed > 0);
    tiles.p50.set(1000 * quantile(total, 0.5), ms, `p95 ${ms(1000 * quantile(total, 0.95))}`);
    tiles.p99.set(1000 * quantile(total, 0.99), ms, `of ${total.total} requests`);
    const degraded = over("braid_degraded_total") / ((at - before) / 1000);
    tiles.degraded.set(degraded, (value) => `${number(value)} /s`, reasons(now, long), degraded > 0);
    const [hits, misses] = [over("braid_near_cache_rows_total", { outcome: "hit" }), over("braid_near_cache_rows_total", { outcome: "miss" })];
    tiles.near.set(hits / (hits + misses), percent, sum(now, "braid_near_cache_trusted") ? "trusted" : "not trusted now");
    const [alone, all] = [over("braid_threads_total", { n: "1" }), over("braid_threads_total")];
    tiles.crew.set((all - alone) / all, percent, `${sum(now, "braid_helpers_busy")} of ${sum(now, "braid_helpers")} helpers busy now`);
    const pauses = between(long, now, "braid_gc_duration_seconds");
    tiles.gc.set(1000 * (pauses.total ? quantile(pauses, 0.99) : 0), ms, `${pauses.total} in ${OVER} s`);
    const effect = between(long, now, "braid_event_to_effect_seconds");
    tiles.effect.set(1000 * quantile(effect, 0.99), ms, effect.total ? `${effect.total} events` : "no events");
    const timed = STAGES.map((stage) => [stage, between(long, now, "braid_stage_duration_seconds", { stage })]).filter(([, one]) => one.total)
      .map(([stage, one]) => ({ stage, times: [0.5, 0.95, 0.99].map((q) => 1000 * quantile(one, q)), count: one.total }));
    const longest = Math.max(...timed.map(({ times }) => times[2]));
    stages.replaceChildren(timed.length ? table(`Over the last ${Math.round((at - before) / 1000)} seconds; the bar is the median, its shade the p99`,
      ["Stage", "Range", { number: "p50" }, { number: "p95" }, { number: "p99" }, { number: "Requests" }],
      timed.map(({ stage, times, count }) => [stage, range(stage, times, longest), ...times.map((time) => ({ number: ms(time) })), { number: count }]))
      : h("p", { class: "empty" }, `No request was answered in the last ${OVER} seconds.`));
  }

  async function listSlow() {
    try {
      const { requests: found } = await requests("slow");
      slow.replaceChildren(found.length ? table("The slowest of the last ten to twenty minutes; one of them opens with its waterfall", ["Request", "When", { number: "Time" }, "Degraded", "Route"],
        found.slice(0, 8).map((one) => [h("button", { class: "link mono", type: "button", onclick: () => openRequest(one.request_id) }, shortId(one.request_id)),
          new Date(one.at_ms).toLocaleTimeString("en-GB"), { number: ms(one.total_ms) }, fellBack(one.degraded) || "–", one.route])) : h("p", { class: "empty" }, "No request has been answered yet."));
    } catch (told) {
      slow.replaceChildren(problem(told)); // a key that may read the figures need not be one for looking at users
    }
  }

  return {
    show() { if (looking === null) { readings = []; look(looking = {}); } },
    hide() { looking = null; },
  };
}

const started = ({ metrics }) => sum(metrics, "process_start_time_seconds");

function range(stage, [median, , most], longest) {
  return h("span", { class: "range", "data-stage": stage, "aria-hidden": "true" },
    h("i", { class: "most", "--part": most / longest }), h("i", { "--part": median / longest }));
}

function reasons(now, before) {
  return (now.get("braid_degraded_total") ?? []).map(({ labels, value }) => [labels, value - sum(before, "braid_degraded_total", labels)])
    .filter(([, count]) => count > 0).map(([labels, count]) => `${labels.stage} ${labels.reason}: ${count}`).join(", ") || "all at full quality";
}

function makeTile(name) {
  const [now, more] = [h("div", { class: "now" }, "–"), h("div", { class: "more" })];
  const [line, area] = ["path", "path"].map((one) => document.createElementNS("http://www.w3.org/2000/svg", one));
  const spark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  area.setAttribute("class", "area");
  for (const [key, value] of [["class", "spark"], ["viewBox", `0 0 ${KEPT} 40`], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) spark.setAttribute(key, value);
  spark.append(area, line);
  const values = [];
  return {
    element: h("div", { class: "tile" }, h("h2", {}, name), now, more, spark),
    set(value, say, words, bad = false) {
      now.textContent = say(value);
      now.classList.toggle("warn", bad);
      more.textContent = words;
      values.push(Number.isFinite(value) ? value : 0);
      if (values.length > KEPT) values.shift();
      const most = Math.max(...values, 1e-9);
      const points = values.map((one, index) => `${KEPT - values.length + index + 0.5} ${(38 - 36 * one / most).toFixed(2)}`);
      line.setAttribute("d", `M${points.join("L")}`);
      area.setAttribute("d", `M${KEPT - values.length + 0.5} 40L${points.join("L")}L${KEPT - 0.5} 40Z`);
    },
  };
}
