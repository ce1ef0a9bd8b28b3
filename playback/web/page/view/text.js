/**
 * What is made for people of times, sizes and names. No DOM here, so that these can
 * be tested without a browser.
 */
import { locale } from "./language.js";

/**
 * tame returns a hostile string as text that stays where it is put: control
 * characters and the marks that turn the direction of what follows are gone, and
 * so are accents piled up to cover what is above.
 * What is left may still be HTML: it is only ever set as textContent.
 * @param {unknown} s
 */
export function tame(s) {
	return String(s ?? "").replace(/(\p{M}{6})\p{M}+/gu, "$1")
		.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");
}

/**
 * line is tame, on one line, of at most n characters.
 * @param {unknown} s
 * @param {number} [n]
 */
export function line(s, n = 80) {
	return clip(tame(s).replace(/\s+/g, " ").trim(), n);
}

/**
 * called is what a person is called, on one line of at most n characters; with their
 * identity if somebody else is called so, too.
 * @param {{ id: string, name: string, twin: boolean }} person
 * @param {number} [n]
 */
export function called({ id, name, twin }, n) {
	return twin ? `${line(name || id, n)} (${line(id, 40)})` : line(name || id, n);
}

/**
 * signer is a signer's name without the fingerprint behind it in brackets.
 * @param {unknown} name
 */
export function signer(name) {
	return line(name, 120).replace(/ \([^()]*\)$/, "");
}

/**
 * clip cuts a string to n characters (not UTF-16 units), with an ellipsis.
 * @param {string} s
 * @param {number} n
 */
export function clip(s, n) {
	if (s.length <= n) return s;
	const head = [...s.slice(0, 2 * n + 2)];
	return head.length <= n ? s : head.slice(0, n - 1).join("") + "…";
}

/**
 * initials are up to two letters for who has no picture.
 * @param {unknown} name
 */
export function initials(name) {
	const words = line(name, 200).split(/[\s._\-@]+/u).filter((w) => /[\p{L}\p{N}]/u.test(w));
	if (words.length === 0) return "?";
	/** @param {string} w */
	const first = (w) => (w.match(/[\p{L}\p{N}]/u) || ["?"])[0];
	const last = words.length > 1 ? words[words.length - 1] : "";
	return (first(words[0]) + (/^\d+$/.test(last) ? last.slice(0, 2) : last && first(last))).toLocaleUpperCase();
}

/**
 * hue picks one of n colours for an identity, always the same one.
 * @param {unknown} id
 * @param {number} [n]
 */
export function hue(id, n = 12) {
	let h = 2166136261;
	for (const c of String(id ?? "").slice(0, 64)) h = Math.imul(h ^ (c.codePointAt(0) ?? 0), 16777619);
	return (h >>> 0) % n;
}

/**
 * time is a place in the recording: 4:05, 1:02:03.
 * @param {number} t
 */
export function time(t) {
	t = Math.max(0, Math.floor(Number(t) || 0));
	/** @param {number} n */
	const two = (n) => String(n).padStart(2, "0");
	const h = Math.floor(t / 3600), m = Math.floor(t / 60) % 60, s = t % 60;
	return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * parseTime reads a place in the recording as time writes it, or in seconds; null if it
 * is none.
 * @param {string} text
 */
export function parseTime(text) {
	const m = /^\s*(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:[.,]\d+)?)\s*$/.exec(text);
	if (!m || m[2] !== undefined && Number.parseInt(m[3]) >= 60 || m[1] !== undefined && Number(m[2]) >= 60) return null;
	return Number(m[1] ?? 0) * 3600 + Number(m[2] ?? 0) * 60 + Number(m[3].replace(",", "."));
}

/**
 * amount is a number with its unit, as the language writes it.
 * @param {number} n
 * @param {string} unit
 * @param {"short"|"long"} display
 * @param {number} [digits] after the point, at the most
 */
function amount(n, unit, display, digits = 0) {
	return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: display, maximumFractionDigits: digits }).format(n);
}

const inUnits = new Intl.ListFormat(locale, { type: "unit", style: "narrow" });

/**
 * spokenTime is time as it is said: "1 hour 2 minutes 3 seconds".
 * @param {number} t
 */
export function spokenTime(t) {
	t = Math.max(0, Math.floor(Number(t) || 0));
	const parts = [];
	if (t >= 3600) parts.push(amount(Math.floor(t / 3600), "hour", "long"));
	if (t >= 60 && Math.floor(t / 60) % 60) parts.push(amount(Math.floor(t / 60) % 60, "minute", "long"));
	if (t % 60 || parts.length === 0) parts.push(amount(t % 60, "second", "long"));
	return inUnits.format(parts);
}

/**
 * length is how long something lasted: 0.4 sec, 12 sec, 4 min, 1 hr 5 min.
 * @param {number} t in seconds
 */
export function length(t) {
	t = Math.max(0, Number(t) || 0);
	if (t < 9.95) return amount(t, "second", "short", 1);
	if (t < 59.5) return amount(t, "second", "short");
	const m = Math.round(t / 60);
	if (m < 60) return amount(m, "minute", "short");
	const hours = amount(Math.floor(m / 60), "hour", "short");
	return m % 60 ? inUnits.format([hours, amount(m % 60, "minute", "short")]) : hours;
}

/**
 * bytes is a size: 640 kB, 1.2 GB.
 * @param {number} n
 */
export function bytes(n) {
	n = Number(n) || 0;
	const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
	let i = 0;
	while (n >= 999.5 && i < units.length - 1) n /= 1000, i++;
	return amount(n, units[i], i ? "short" : "long", i && n < 9.95 ? 1 : 0);
}

const percents = new Intl.NumberFormat(locale, { style: "percent" });

/**
 * percent is a part of a whole: 40%.
 * @param {number} part from 0 to 1
 */
export function percent(part) {
	return percents.format(part);
}

/**
 * date is a day and a time of day, in the reader's own zone; '' for none.
 * @param {Date|string|null} time
 * @param {"medium"|"full"} [style]
 */
export function date(time, style = "medium") {
	const d = new Date(time ?? NaN);
	if (!time || Number.isNaN(d.getTime()) || d.getFullYear() < 1971) return "";
	return d.toLocaleString(locale, { dateStyle: style, timeStyle: "short" });
}

const lists = new Intl.ListFormat(locale);

/**
 * enumerate puts between items what the language puts there: "A, B and C".
 * @template Item
 * @param {Item[]} items
 * @returns {(Item|string)[]}
 */
export function enumerate(items) {
	return lists.formatToParts(items.map((_, i) => String(i))).map((p) => p.type === "element" ? items[Number(p.value)] : p.value);
}
