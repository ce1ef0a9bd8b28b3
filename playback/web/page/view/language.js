/**
 * The page's words, in the language that the browser's user reads: languages/ has a
 * module for each, of which one is loaded. All that the page says comes from there.
 */

/** @typedef {import("./languages/en.js").Words} Words */
/** @typedef {keyof Words} Key names something that the page says */

/**
 * @template Part
 * @typedef {Record<string, string|number|Part>} Values what is put in the places of a
 *     text, by their names; n decides between one and many
 */

/** @type {Record<string, { direction: "ltr"|"rtl", load: () => Promise<{ words: Words }> }>} */
const languages = {
	en: { direction: "ltr", load: () => import("./languages/en.js") },
	de: { direction: "ltr", load: () => import("./languages/de.js") },
	fr: { direction: "ltr", load: () => import("./languages/fr.js") },
	es: { direction: "ltr", load: () => import("./languages/es.js") },
};

/**
 * choose returns the first of the languages wanted that there are words in, and how
 * dates and numbers are written in it: as where its user is. Without any it is English.
 * @param {readonly string[]} wanted as browsers name them, the dearest first
 */
export function choose(wanted) {
	for (const locale of wanted) {
		const name = locale.split("-")[0].toLowerCase();
		if (Object.hasOwn(languages, name) && Intl.DateTimeFormat.supportedLocalesOf(locale).length > 0) return { name, locale };
	}
	return { name: "en", locale: "en" };
}

const chosen = choose(globalThis.navigator?.languages ?? []);
const { direction, load } = languages[chosen.name];
const { words } = await load();

/** How dates, numbers and lists are written, for Intl. */
export const locale = chosen.locale;

const numbers = new Intl.NumberFormat(locale), plurals = new Intl.PluralRules(locale);

/**
 * parts returns a text with its places filled, apart: what is no string or number
 * stays what it is.
 * @template Part
 * @param {Key} key
 * @param {Values<Part>} [values]
 * @returns {(string|Part)[]}
 */
export function parts(key, values = {}) {
	/** @type {(string|Part)[]} */
	const out = [];
	formOf(key, values).split(/\{(\w+)\}/).forEach((piece, i) => {
		const value = i % 2 ? values[piece] : piece;
		const part = typeof value === "number" ? numbers.format(value) : value;
		const last = out.at(-1);
		if (typeof part === "string" && typeof last === "string") out[out.length - 1] = last + part;
		else if (part !== "" && part !== undefined) out.push(part);
	});
	return out;
}

/**
 * say returns a text with its places filled.
 * @param {Key} key
 * @param {Values<never>} [values]
 */
export function say(key, values) {
	return parts(key, values).join("");
}

/**
 * @param {Key} key
 * @param {Values<any>} values
 */
function formOf(key, values) {
	/** @type {string|Record<string, string>} */
	const text = words[key];
	return typeof text === "string" ? text : text[plurals.select(Number(values.n))] ?? text.other;
}

/**
 * fillWords puts words where the document names them, by data-say, and says which
 * language they are.
 */
export function fillWords() {
	document.documentElement.lang = locale;
	document.documentElement.dir = direction;
	for (const node of document.querySelectorAll("[data-say]")) node.append(say(/** @type {Key} */ (node.getAttribute("data-say"))));
	for (const name of ["aria-label", "title", "placeholder"]) {
		for (const node of document.querySelectorAll(`[data-say-${name}]`)) {
			node.setAttribute(name, say(/** @type {Key} */ (node.getAttribute(`data-say-${name}`))));
		}
	}
}
