/**
 * Words for people: times, sizes, names, reasons and what happened. No DOM
 * here, so that these can be tested without a browser.
 */

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
 * spokenTime is time as it is said: "1 hour 2 minutes 3 seconds".
 * @param {number} t
 */
export function spokenTime(t) {
	t = Math.max(0, Math.floor(Number(t) || 0));
	/** @type {(k: number, unit: string) => string} */
	const n = (k, unit) => `${k} ${unit}${k === 1 ? "" : "s"}`;
	const parts = [];
	if (t >= 3600) parts.push(n(Math.floor(t / 3600), "hour"));
	if (t >= 60 && Math.floor(t / 60) % 60) parts.push(n(Math.floor(t / 60) % 60, "minute"));
	if (t % 60 || parts.length === 0) parts.push(n(t % 60, "second"));
	return parts.join(" ");
}

/**
 * length is how long something lasted: 0.4 s, 12 s, 4 min, 1 h 5 min.
 * @param {number} t in seconds
 */
export function length(t) {
	t = Math.max(0, Number(t) || 0);
	if (t < 9.95) return `${Number(t.toFixed(1))} s`;
	if (t < 59.5) return `${Math.round(t)} s`;
	const m = Math.round(t / 60);
	if (m < 60) return `${m} min`;
	return m % 60 ? `${Math.floor(m / 60)} h ${m % 60} min` : `${m / 60} h`;
}

/**
 * bytes is a size: 640 kB, 1.2 GB.
 * @param {number} n
 */
export function bytes(n) {
	n = Number(n) || 0;
	const units = ["B", "kB", "MB", "GB", "TB"];
	let i = 0;
	while (n >= 999.5 && i < units.length - 1) n /= 1000, i++;
	return `${i && n < 9.95 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

/**
 * date is a day and a time of day, in the reader's own zone; '' for none.
 * @param {Date|string|null} time
 * @param {"medium"|"full"} [style]
 */
export function date(time, style = "medium") {
	const d = new Date(time ?? NaN);
	if (!time || Number.isNaN(d.getTime()) || d.getFullYear() < 1971) return "";
	return d.toLocaleString(undefined, { dateStyle: style, timeStyle: "short" });
}

/**
 * count is "1 person", "3 people".
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 */
export function count(n, one, many = one + "s") {
	return `${n.toLocaleString()} ${n === 1 ? one : many}`;
}
