/** The library page: all recordings of the store, to search, sort and open. */
import { HTTPSource } from "../engine/http_source.js";
import { Trouble } from "../engine/source.js";
import { byID, closest, el } from "./dom.js";
import { fillIcons, icon } from "./icons.js";
import { card, titleOf } from "./library_card.js";
import { meant, modified } from "./keys.js";
import { fillWords, locale, parts, say } from "./language.js";
import { store, stored } from "./settings.js";
import { line } from "./text.js";
import { labelThemeButtons } from "./theme_button.js";
import { waitWords } from "./wait_words.js";

/** @typedef {import("./library_card.js").Entry} Entry */

/** How many cards are in the document before one asks for more, and from how many on months have heads. */
const mostCards = 400, monthsFrom = 12;

/** @type {Record<string, (a: Entry, b: Entry) => number>} */
const orders = {
	newest: (a, b) => b.begun - a.begun,
	oldest: (a, b) => a.begun - b.begun,
	longest: (a, b) => b.duration - a.duration,
	people: (a, b) => (b.people?.length ?? 0) - (a.people?.length ?? 0),
	name: (a, b) => titleOf(a).localeCompare(titleOf(b), locale),
};

/**
 * hasWords says whether a recording has all the words, somewhere.
 * @param {Entry} r
 * @param {string} words
 */
function hasWords(r, words) {
	const text = [r.title, r.room, r.id, ...(r.people ?? []), ...(r.signers ?? [])].join("\n").toLocaleLowerCase();
	return words.toLocaleLowerCase().split(/\s+/).every((w) => text.includes(w));
}

/**
 * isIn says whether a recording is in a state of the filter's.
 * @param {Entry} r
 * @param {string} state
 */
function isIn(r, state) {
	return state === "trouble" ? Boolean(r.problem) || r.incomplete : r.state === state;
}

class Library {
	/** @type {Entry[]} */
	#all = [];
	#shown = mostCards;
	#search = field("search");
	#access = field("access");
	#state = field("state");
	#order = field("order");
	#count = byID("count");
	#results = byID("results");

	constructor() {
		const show = () => this.#show(true);
		for (const choice of [this.#access, this.#state, this.#order]) choice.addEventListener("change", show);
		this.#search.addEventListener("input", show);
		const order = stored("order", "newest");
		if (order in orders) this.#order.value = order;
		document.addEventListener("keydown", (event) => {
			if (modified(event) || meant(event, (k) => k === "/") !== "/" || closest(event, "input, select, textarea")) return;
			event.preventDefault();
			this.#search.focus();
		});
	}

	async load() {
		this.#results.replaceChildren(el("ul", { class: "cards", "aria-hidden": "true" }, Array.from({ length: 8 }, ghost)));
		this.#count.textContent = say("library.looking");
		try {
			const list = await new HTTPSource().recordings();
			this.#all = list.map((r) => ({ ...r, begun: new Date(r.start).getTime() || 0, duration: Number(r.duration) || 0 }));
			this.#show();
		} catch (err) {
			this.#fail(err instanceof Trouble ? waitWords(err.why) : line(err instanceof Error ? err.message : err, 600));
		}
		this.#results.setAttribute("aria-busy", "false");
	}

	/** @param {string} text */
	#fail(text) {
		const again = el("button", { type: "button", class: "textbutton primary", onclick: () => location.reload() }, say("tryAgain"));
		const message = byID("message");
		this.#results.replaceChildren();
		this.#count.textContent = "";
		message.hidden = false;
		message.replaceChildren(icon("alert"), el("h2", { id: "messagehead" }, say("library.failed")),
			el("p", {}, el("bdi", {}, text)), el("div", { class: "actions" }, again));
	}

	/** @param {boolean} [fresh] whether to begin with the first cards */
	#show(fresh = false) {
		if (fresh) this.#shown = mostCards;
		const words = this.#search.value.trim(), access = this.#access.value, state = this.#state.value, order = this.#order.value;
		store("order", order);
		const list = this.#all.filter((r) => (!words || hasWords(r, words)) && (!access || r.access === access) && (!state || isIn(r, state)));
		list.sort(orders[order]);
		const all = this.#all.length;
		const some = list.length;
		this.#count.textContent = all === 0 ? "" : some === all ? say("library.count", { n: all }) : say("library.countOf", { some, n: all });
		if (list.length === 0) return this.#showNone(all > 0);
		const shown = list.slice(0, this.#shown), more = list.length - shown.length;
		const byMonth = shown.length > monthsFrom && (order === "newest" || order === "oldest");
		this.#results.replaceChildren(...groups(shown, byMonth).map(({ name, list }) => el("section", { "aria-label": name || say("library.group") },
			el("h2", { class: name ? "" : "offscreen" }, name || say("library.group")), el("ul", { class: "cards" }, list.map(card)))));
		if (more > 0) this.#results.append(this.#moreButton(Math.min(mostCards, more)));
	}

	/** @param {number} more */
	#moreButton(more) {
		const show = () => {
			this.#shown += mostCards;
			this.#show();
		};
		return el("button", { type: "button", class: "textbutton more", onclick: show }, say("library.more", { n: more }));
	}

	/** @param {boolean} filtered whether there are recordings that the filter does not let through */
	#showNone(filtered) {
		if (!filtered) {
			this.#results.replaceChildren(el("div", { class: "nothing" }, icon("film"), el("h2", {}, say("library.empty")),
				el("p", {}, parts("library.empty.hint", { command: el("code", {}, "sealtape record") }))));
			return;
		}
		const showAll = () => {
			for (const choice of [this.#search, this.#access, this.#state]) choice.value = "";
			this.#show(true);
			this.#search.focus();
		};
		this.#results.replaceChildren(el("div", { class: "nothing" }, icon("search"), el("h2", {}, say("library.none")),
			el("p", {}, say("library.none.hint")),
			el("button", { type: "button", class: "textbutton", onclick: showAll }, say("library.showAll"))));
	}
}

/**
 * field returns a field to fill or choose from, by its ID.
 * @param {string} id
 */
function field(id) {
	return /** @type {HTMLInputElement|HTMLSelectElement} */ (byID(id));
}

/** ghost stands for a card that is still to come. */
function ghost() {
	return el("li", { class: "card ghost" },
		el("div", { class: "poster" }), el("div", { class: "bone" }), el("div", { class: "bone short" }));
}

/**
 * groups puts neighbours of one month together, or all.
 * @param {Entry[]} list
 * @param {boolean} byMonth
 */
function groups(list, byMonth) {
	/** @type {{ name: string, list: Entry[] }[]} */
	const out = [];
	for (const r of list) {
		const name = byMonth ? month(r.begun) : "", last = out.at(-1);
		if (last?.name === name) last.list.push(r);
		else out.push({ name, list: [r] });
	}
	return out;
}

/** @param {number} ms */
function month(ms) {
	if (!ms) return say("library.noDate");
	const then = new Date(ms), now = new Date();
	const days = Math.round((new Date(now.toDateString()).getTime() - new Date(then.toDateString()).getTime()) / 864e5);
	if (days === 0) return say("library.today");
	if (days === 1) return say("library.yesterday");
	if (days > 1 && days < 7) return say("library.thisWeek");
	return then.toLocaleDateString(locale, { month: "long", year: "numeric" });
}

fillWords();
fillIcons();
labelThemeButtons();
new Library().load();
