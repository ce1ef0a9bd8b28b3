/**
 * Addresses in what people write. Pure: what is made of them is up to who shows them.
 *
 * @typedef {{ text: string, url: URL|null }} Piece a piece of text, with where it leads
 */

/** Addresses with no more characters than this are links. */
const longest = 2048;

/** What may begin an address: a scheme, and no space up to its end. */
const address = /\bhttps?:\/\/[^\s<>"\x60{}|\\^]+/giu;

/** What ends a sentence is not the end of an address. */
const punctuation = /[.,;:!?'’”»…*_~]+$/u;

/**
 * piecesOf takes a text apart. Only whole addresses of the web are links, without
 * a user's name or password in them: what stands before an @ passes for the host.
 * @param {string} text
 * @param {boolean} [clipped] the text ends in the middle of something
 * @returns {Piece[]}
 */
export function piecesOf(text, clipped = false) {
	/** @type {Piece[]} */
	const pieces = [];
	let at = 0;
	for (const found of text.matchAll(address)) {
		const written = trimmed(found[0]), end = found.index + written.length;
		const url = clipped && found.index + found[0].length === text.length ? null : parse(written);
		if (!url) continue;
		if (found.index > at) pieces.push({ text: text.slice(at, found.index), url: null });
		pieces.push({ text: written, url });
		at = end;
	}
	if (at < text.length) pieces.push({ text: text.slice(at), url: null });
	return pieces;
}

/**
 * trimmed leaves out what belongs to the sentence around an address.
 * @param {string} s
 */
function trimmed(s) {
	for (;;) {
		const shorter = s.replace(punctuation, "");
		const closes = /[)\]]$/.exec(shorter)?.[0];
		const opens = closes === ")" ? "(" : "[";
		if (closes && shorter.split(closes).length > shorter.split(opens).length) s = shorter.slice(0, -1);
		else if (shorter === s) return s;
		else s = shorter;
	}
}

/** @param {string} s */
function parse(s) {
	if (s.length > longest || !URL.canParse(s)) return null;
	const url = new URL(s);
	return /^https?.$/.test(url.protocol) && url.hostname && !url.username && !url.password ? url : null;
}

/**
 * foreignHost is the name of a host as it is written, if that is not how browsers know
 * it: letters of other scripts can look like those of a host that one knows. "" if they
 * are the same.
 * @param {string} written the address
 * @param {URL} url the same
 */
export function foreignHost(written, url) {
	const host = /^[^/]*\/\/([^/?#:]*)/u.exec(written)?.[1] ?? "";
	return host.toLowerCase() === url.hostname ? "" : host;
}
