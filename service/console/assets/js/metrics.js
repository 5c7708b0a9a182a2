// Prometheus text read into numbers, and what two readings say of the time between them.

/** Read the text: family name to a list of {labels, value}. */
export function parseMetrics(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value.replace(/\\(.)/g, "$1");
    if (!found.has(match[1])) found.set(match[1], []);
    found.get(match[1]).push({ labels, value: match[3] === "+Inf" ? Infinity : Number(match[3]) });
  }
  return found;
}

/** Sum the samples of a family whose labels are as wanted. */
export function sum(metrics, name, wanted = {}) {
  return (metrics.get(name) ?? []).filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value))
    .reduce((total, { value }) => total + value, 0);
}

/** Subtract two readings' histograms: {counts by upper bound, total} of what came in between. */
export function between(before, after, name, wanted = {}) {
  const cumulated = (metrics) => new Map((metrics.get(`${name}_bucket`) ?? [])
    .filter(({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value))
    .map(({ labels, value }) => [labels.le === "+Inf" ? Infinity : Number(labels.le), value]));
  const [old, now] = [cumulated(before), cumulated(after)];
  const bounds = [...now.keys()].sort((a, b) => a - b);
  // A bucket that is new had, before, as many as the nearest below it.
  let was = 0;
  const counts = bounds.map((bound) => { was = old.get(bound) ?? was; return [bound, now.get(bound) - was]; });
  return { counts, total: counts.at(-1)?.[1] ?? 0 };
}

/** Return a quantile in seconds, linear within its bucket; NaN where nothing came. */
export function quantile({ counts, total }, q) {
  if (!total) return NaN;
  let [low, below] = [0, 0];
  for (const [bound, count] of counts) {
    if (count >= q * total) return bound === Infinity ? low : low + (bound - low) * ((q * total - below) / Math.max(count - below, 1e-12));
    [low, below] = [bound, count];
  }
  return low;
}
