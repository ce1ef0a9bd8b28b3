import { closest, el } from "./dom.js";
import { entriesOf, folded, lastBy, matches } from "./feed_entries.js";
import { icon } from "./icons.js";
import { say } from "./language.js";
import { line, time } from "./text.js";
import { avatar, howBadge, nameNode, personNode, quoteNode, sentenceNodes } from "./words.js";

/** How many rows are in the document at once, on either side of now. */
const pageSize = 150;

/** How long the list stays where somebody reads in it, in milliseconds. */
const readsFor = 20000;

/** What is further than this is not scrolled to smoothly, in pixels. */
const smoothWithin = 1500;

/** @type {Record<string, string>} */
const icons = { event: "dot", detail: "dot", trouble: "alert", chat: "chat" };

/**
 * @typedef {object} Content what a Feed has
 * @property {string} id of the list
 * @property {string} list what it is called
 * @property {string} search what searching it is called
 * @property {string} empty what it says if there is nothing
 * @property {[words: string, ...kinds: string[]][]} chips what turns kinds of rows on and off
 * @property {string[]} kinds those that are on in the beginning
 * @property {Node[]} above what stands above it
 * @property {(recording: import("../engine/recording.js").Recording) => import("./feed_entries.js").Entry[]} entries
 */

/** @returns {Content} what was written and what happened */
function happenings() {
	return {
		id: "feed", list: say("feed.list"), search: say("feed.search.label"), empty: say("feed.empty"), kinds: ["chat", "event", "trouble"], above: [],
		chips: [[say("feed.chat"), "chat"], [say("feed.events"), "event", "trouble"], [say("feed.details"), "detail"]], entries: entriesOf,
	};
}

/** A Feed has what was written and what happened, or what was said, and scrolls with the time. */
export class Feed {
	#player;
	#recording;
	#content;
	#list;
	#none = el("p", { class: "none", hidden: true });
	#back = el("button", { type: "button", class: "backtonow", hidden: true, onclick: () => this.follow() }, icon("down"), say("feed.back"));
	/** @type {import("./feed_entries.js").Entry[]} */
	#entries = [];
	/** @type {Set<import("./feed_entries.js").Entry>} the first of runs that are shown one by one */
	#unfolded = new Set();
	/** @type {import("./feed_entries.js").Entry[]} those that the filter lets through */
	#rows = [];
	/** @type {import("./feed_entries.js").Filter} */
	#filter;
	/** The rows that are in the document, from the first up to (without) the last. */
	#first = 0;
	#last = 0;
	/** The row of the moment, -1 for none. */
	#current = -1;
	/** Since when somebody reads elsewhere, by the machine's time in milliseconds; 0 if nobody does. */
	#awaySince = 0;
	/** How many events there were when they were looked at last. */
	#seenEvents = -1;

	/**
	 * @param {import("../engine/player.js").Player} player
	 * @param {Content} content
	 */
	constructor(player, content = happenings()) {
		this.#player = player;
		this.#recording = player.recording;
		this.#content = content;
		this.#filter = { kinds: new Set(content.kinds), words: "" };
		this.#list = el("ol", { class: "feed", id: content.id, "data-keys": "", "aria-label": content.list });
		const search = el("input", {
			type: "search", class: "search", placeholder: say("feed.search"), "aria-label": content.search, maxLength: 100,
			spellcheck: false, autocomplete: "off",
			oninput: () => {
				this.#filter.words = search.value.trim().toLocaleLowerCase();
				this.#showRows();
			},
		});
		const chips = content.chips.map(([words, ...kinds]) => this.#chip(words, ...kinds));
		/** What belongs into a pane. */
		this.nodes = [
			...content.above, el("div", { class: "feedbar" }, el("div", { class: "chips", role: "group", "aria-label": say("feed.show") }, chips), search),
			this.#list, this.#none, this.#back,
		];
		this.#listen();
		player.on(["time", "state"], () => this.#tick());
		player.on(["update"], () => this.#update());
		this.#update();
	}

	/**
	 * chip turns kinds of rows on and off.
	 * @param {string} words
	 * @param {...string} kinds
	 */
	#chip(words, ...kinds) {
		const chosen = this.#filter.kinds;
		const toggle = () => {
			const on = chip.getAttribute("aria-pressed") !== "true";
			chip.setAttribute("aria-pressed", String(on));
			for (const kind of kinds) {
				if (on) chosen.add(kind);
				else chosen.delete(kind);
			}
			this.#showRows();
		};
		const chip = el("button", {
			type: "button", class: "chip", "aria-pressed": String(chosen.has(kinds[0])), "data-filter": kinds[0], onclick: toggle,
		}, words);
		return chip;
	}

	#listen() {
		const list = this.#list;
		// Who scrolls reads: the list stays where it is until it is sent back.
		list.addEventListener("wheel", () => this.#leave(), { passive: true });
		list.addEventListener("touchmove", () => this.#leave(), { passive: true });
		list.addEventListener("pointerdown", (event) => {
			if (event.offsetX > list.clientWidth) this.#leave();
		});
		list.addEventListener("click", (event) => {
			const row = closest(event, ".row");
			if (row && !closest(event, ".more, a") && !String(getSelection())) this.#go(Number(row.dataset.i));
		});
		list.addEventListener("keydown", (event) => this.#key(event));
		list.addEventListener("focusin", (event) => {
			const when = closest(event, ".when");
			if (when) this.#rove(when);
		});
		new ResizeObserver(() => this.#stay()).observe(list);
		addEventListener("resize", () => this.#stay(), { signal: this.#player.over }); // lines break elsewhere, too
	}

	/** stay keeps the moment in sight when the list, or what is in it, has another size. */
	#stay() {
		/** @type {HTMLElement|null} */
		const row = this.#list.querySelector("[aria-current]");
		if (row && !this.#awaySince) this.#scroll(row);
	}

	/**
	 * key goes from row to row.
	 * @param {KeyboardEvent} event
	 */
	#key(event) {
		const row = closest(event, ".row"), list = this.#list;
		if (!row || closest(event, ".more, a")) return;
		/** @type {Record<string, Element|null>} */
		const ways = {
			ArrowUp: row.previousElementSibling, ArrowDown: row.nextElementSibling, Home: list.firstElementChild, End: list.lastElementChild,
		};
		if (!(event.key in ways)) return;
		event.preventDefault();
		event.stopPropagation();
		const when = ways[event.key]?.querySelector("button");
		if (!when) return;
		this.#leave();
		when.focus();
	}

	/**
	 * rove puts one row's button in the order of Tab; the arrow keys go to the others.
	 * @param {HTMLElement|null} [when]
	 */
	#rove(when) {
		/** @type {NodeListOf<HTMLElement>} */
		const others = this.#list.querySelectorAll('.when[tabindex="0"]');
		for (const other of others) other.tabIndex = -1;
		if (when) when.tabIndex = 0;
	}

	#leave() {
		this.#awaySince = performance.now();
		this.#back.hidden = false;
	}

	#return() {
		this.#awaySince = 0;
		this.#back.hidden = true;
	}

	/** follow scrolls to the moment, and with it. */
	follow() {
		this.#return();
		this.#current = -1;
		this.#tick();
	}

	/** @param {number} i */
	#go(i) {
		const entry = this.#rows[i];
		if (!entry) return;
		this.#return();
		this.#player.seek(entry.t);
	}

	/**
	 * step goes to the row before (less than 0) or after the moment.
	 * @param {number} by
	 */
	step(by) {
		const i = lastBy(this.#rows, this.#player.time + (by < 0 ? -1.5 : 0.05));
		this.#go(by < 0 ? i : i + 1);
	}

	/** refresh takes the entries anew, of which there may be others. */
	refresh() {
		this.#seenEvents = -1;
		this.#update();
	}

	/** update takes the recording as it is now. */
	#update() {
		const r = this.#recording;
		if (this.#seenEvents === r.events.length) return;
		this.#seenEvents = r.events.length;
		this.#entries = this.#content.entries(r);
		// Who reads while the recording grows stays where they are.
		const focused = document.activeElement?.closest(".feed .row"), top = this.#list.scrollTop;
		this.#showRows();
		if (this.#awaySince) this.#list.scrollTop = top;
		if (focused instanceof HTMLElement) this.#when(Number(focused.dataset.i))?.focus({ preventScroll: true });
	}

	/** @param {number} i */
	#when(i) {
		/** @type {HTMLElement|null} */
		const when = this.#list.querySelector(`[data-i="${i}"] .when`);
		return when;
	}

	/** showRows shows the rows that the filter lets through. */
	#showRows() {
		this.#rows = folded(this.#entries.filter((entry) => matches(entry, this.#filter, this.#recording)), this.#unfolded);
		this.#none.hidden = this.#rows.length > 0;
		if (this.#entries.length === 0) this.#none.textContent = this.#content.empty;
		else this.#none.textContent = say(this.#filter.words ? "feed.noWords" : "feed.noKind");
		this.#current = -1;
		this.#turnTo(lastBy(this.#rows, this.#player.time));
		this.#tick();
	}

	/**
	 * turnTo puts the rows around one into the document, and no others.
	 * @param {number} i
	 */
	#turnTo(i) {
		this.#first = Math.max(0, i - pageSize);
		this.#last = Math.min(this.#rows.length, i + pageSize);
		/** @type {Node[]} */
		const nodes = this.#rows.slice(this.#first, this.#last).map((entry, k) => this.#row(entry, this.#first + k));
		const later = this.#rows.length - this.#last;
		if (this.#first > 0) nodes.unshift(this.#others(say("feed.earlier", { n: this.#first }), Math.max(0, this.#first - pageSize)));
		if (later > 0) nodes.push(this.#others(say("feed.later", { n: later }), this.#last + pageSize));
		this.#list.replaceChildren(...nodes);
		this.#rove(this.#list.querySelector(".when"));
	}

	/**
	 * others leads to rows that are not in the document.
	 * @param {string} words
	 * @param {number} to
	 */
	#others(words, to) {
		const turn = () => {
			this.#leave();
			this.#turnTo(to);
			this.#when(Math.min(to, this.#rows.length - 1))?.focus();
		};
		return el("li", { class: "otherrows" }, el("button", { type: "button", class: "textbutton", onclick: turn }, words));
	}

	/**
	 * @param {import("./feed_entries.js").Entry} entry
	 * @param {number} i
	 */
	#row({ t, event, kind, parts, folded: run }, i) {
		const r = this.#recording;
		const when = el("button", { type: "button", class: "when", tabIndex: -1, "aria-label": say("feed.go", { time: time(t) }) }, time(t));
		const row = el("li", { class: "row", "data-kind": kind, "data-i": i, "data-type": line(event.type, 20) });
		if (event.type !== "chat" && kind !== "said") {
			row.append(icon(icons[kind]), el("p", { class: "said" }, sentenceNodes(parts), run && this.#unfoldButton(run)), when);
			return row;
		}
		const person = r.person(event.participant), name = person?.name || event.name || event.participant || "";
		row.append(avatar(event.participant || name, name), el("div", { class: "said" },
			el("div", { class: "by" }, person ? personNode({ ...person, name }) : nameNode(name), howBadge(r.howAt(event.participant, t)), when), el("p", {}, quoteNode(event.text)),
			this.#notes(event).map((words) => el("p", { class: "quiet" }, words))));
		return row;
	}

	/**
	 * notes say what else is to be known of what somebody wrote or said.
	 * @param {import("../engine/description.js").Event} event
	 */
	#notes({ reason = "" }) {
		const how = reason.split(" ");
		return [
			how.includes("cut") && say("feed.cut"), how.includes("interim") && say("words.interim"), how.includes("plaintext") && say("words.plaintext"),
		].filter((words) => words !== false);
	}

	/**
	 * unfoldButton shows those whom a row stands for one by one.
	 * @param {import("./feed_entries.js").Entry[]} run
	 */
	#unfoldButton(run) {
		const show = () => {
			this.#leave();
			this.#unfolded.add(run[0]);
			const at = this.#rows.findIndex((entry) => entry.folded?.[0] === run[0]);
			this.#showRows();
			this.#when(at)?.focus();
		};
		return el("button", { type: "button", class: "more", onclick: show }, say("fold.show", { n: run.length }));
	}

	#tick() {
		const i = lastBy(this.#rows, this.#player.time);
		if (i === this.#current) return;
		this.#current = i;
		const following = !this.#awaySince || performance.now() - this.#awaySince > readsFor;
		if (following && (i < this.#first && i >= 0 || i >= this.#last)) this.#turnTo(i);
		this.#list.querySelector("[aria-current]")?.removeAttribute("aria-current");
		/** @type {HTMLElement|null} */
		const row = this.#list.querySelector(`[data-i="${i}"]`);
		row?.setAttribute("aria-current", "true");
		if (!following) return;
		this.#return();
		if (!this.#list.contains(document.activeElement)) this.#rove((row ?? this.#list).querySelector(".when"));
		this.#scroll(row);
	}

	/**
	 * scroll scrolls the list, and nothing around it.
	 * @param {HTMLElement|null} row
	 */
	#scroll(row) {
		const list = this.#list;
		const top = row ? row.offsetTop - list.clientHeight * 0.6 + row.offsetHeight : 0;
		const still = matchMedia("(prefers-reduced-motion: reduce)").matches || Math.abs(list.scrollTop - top) > smoothWithin;
		list.scrollTo({ top, behavior: still ? "instant" : "smooth" });
	}
}
