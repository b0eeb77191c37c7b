/**
 * Times and durations as people read them: in the reader's zone, by `Intl`. Knows no clock.
 */

const DAY_S = 86_400;

/**
 * @param {number} leftMs
 * @param {string} locale
 * @returns {string} `04:05`, `01:04:05` or `2 days 01:04:05`; never below zero
 */
export function formatCountdown(leftMs, locale) {
  const left = Math.max(0, Math.ceil(leftMs / 1000));
  const days = Math.floor(left / DAY_S);
  const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const hours = Math.floor((left % DAY_S) / 3600);
  const clock = `${pad(Math.floor((left % 3600) / 60))}:${pad(left % 60)}`;
  if (days > 0) return `${formatUnit(days, "day", locale)} ${pad(hours)}:${clock}`;
  return hours > 0 ? `${pad(hours)}:${clock}` : clock;
}

/**
 * @param {number} durationMs
 * @param {string} locale
 * @returns {string} a rough duration, rounded up: `3 seconds`, `2 minutes`
 */
export function formatDuration(durationMs, locale) {
  const seconds = Math.max(1, Math.ceil(durationMs / 1000));
  if (seconds < 100) return formatUnit(seconds, "second", locale);
  return formatUnit(Math.ceil(seconds / 60), "minute", locale);
}

/** @param {number} value @param {string} unit @param {string} locale */
function formatUnit(value, unit, locale) {
  const format = new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" });
  return format.format(value);
}

/**
 * @param {number} time Unix milliseconds
 * @param {string} locale
 * @param {string} [timeZone] the reader's own unless given
 */
export function formatTime(time, locale, timeZone) {
  return new Intl.DateTimeFormat(locale, {
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
    timeZone,
  }).format(time);
}

/** @param {number} count @param {string} locale */
export function formatCount(count, locale) {
  return new Intl.NumberFormat(locale).format(count);
}
