// Figures as people read them.
const whole = new Intl.NumberFormat("en");
const time = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const UNITS = ["B", "KB", "MB", "GB", "TB"];

export const count = (value) => (value === null || value === undefined ? "–" : whole.format(value));

/** A count with its noun: one document, 2 documents. */
export const counted = (value, noun, nouns = `${noun}s`) => `${whole.format(value)} ${value === 1 ? noun : nouns}`;

export const share = (value) => (value === null || value === undefined ? "–" : `${(100 * value).toFixed(value < 1 && value > 0.99 ? 2 : 1).replace(/\.0+$/, "")} %`);

/** A score, cut and not rounded: 0.9996 never reads as 1. */
export const score = (value) => (value === null || value === undefined ? "–" : (Math.floor(value * 1000) / 1000).toFixed(3));

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  let unit = 0;
  let rest = value;
  while (rest >= 1000 && unit < UNITS.length - 1) (rest /= 1000), unit++;
  return `${unit && rest < 10 ? rest.toFixed(1) : Math.round(rest)} ${UNITS[unit]}`;
}

export function when(text) {
  const moment = text ? new Date(text) : null;
  return moment && !Number.isNaN(moment.getTime()) ? time.format(moment) : text || "–";
}
