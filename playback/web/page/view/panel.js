import { el } from "./dom.js";
import { Feed } from "./feed.js";
import { wordEntriesOf } from "./feed_entries.js";
import { say } from "./language.js";
import { levelSetting } from "./level_setting.js";
import { PeopleList } from "./people_list.js";

/** @typedef {{ tab: HTMLElement, pane: HTMLElement }} Page */

/** A Panel has lists beside the stage, of which one is seen: the feed, what was said, and the people. */
export class Panel {
	/** @type {Page[]} */
	#pages;
	#words;
	#chosen = 0;

	/**
	 * @param {HTMLElement} root
	 * @param {import("../engine/player.js").Player} player
	 * @param {import("./transcripts.js").Transcripts} transcripts
	 */
	constructor(root, player, transcripts) {
		this.feed = new Feed(player);
		const words = this.#words = new Feed(player, {
			id: "words", list: say("words.list"), search: say("words.search"), empty: say("words.empty"), kinds: ["said", "chat"], above: [transcripts.node],
			chips: [[say("words.said"), "said"], [say("feed.chat"), "chat"]], entries: (recording) => transcripts.any ? wordEntriesOf(recording, transcripts.said) : [],
		});
		const peopleTab = tab("people", say("panel.people"));
		const people = new PeopleList(player, (n) => peopleTab.textContent = say("panel.peopleCount", { n }));
		this.#pages = [
			{ tab: tab("feed", say("feed")), pane: pane("feed", ...this.feed.nodes) },
			{ tab: tab("words", say("words")), pane: pane("words", ...words.nodes) },
			{ tab: peopleTab, pane: pane("people", levelSetting(player), people.node) },
		];
		const tabs = this.#pages.map((page) => page.tab), panes = this.#pages.map((page) => page.pane);
		tabs.forEach((t, i) => t.addEventListener("click", () => {
			this.#choose(i);
			t.focus();
		}));
		root.append(el("div", {
			class: "tabs", role: "tablist", "aria-label": say("panel.tabs"), "data-keys": "",
			onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
		}, tabs), ...panes);
		const offer = () => {
			this.#pages[1].tab.hidden = !transcripts.any;
			if (!transcripts.any && this.#chosen === 1) this.#choose(0);
			words.refresh();
		};
		transcripts.onChange(offer);
		offer();
		this.#choose(0);
	}

	/** @param {KeyboardEvent} event */
	#key(event) {
		const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
		if (!by) return;
		event.preventDefault();
		const offered = this.#pages.filter(({ tab }) => !tab.hidden);
		const now = offered.findIndex(({ tab }) => tab === document.activeElement);
		const to = offered[(now + by + offered.length) % offered.length];
		this.#choose(this.#pages.indexOf(to));
		to.tab.focus();
	}

	/** @param {number} chosen */
	#choose(chosen) {
		this.#pages.forEach(({ tab, pane }, i) => {
			tab.setAttribute("aria-selected", String(i === chosen));
			tab.tabIndex = i === chosen ? 0 : -1;
			pane.hidden = i !== chosen;
		});
		this.#chosen = chosen;
		if (chosen === 0) this.feed.follow();
		if (chosen === 1) this.#words.follow();
	}
}

/**
 * @param {string} id
 * @param {string} words
 */
function tab(id, words) {
	return el("button", { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `pane-${id}` }, words);
}

/**
 * @param {string} id
 * @param {...Node} children
 */
function pane(id, ...children) {
	return el("div", { class: "pane", id: `pane-${id}`, role: "tabpanel", "aria-labelledby": `tab-${id}` }, children);
}
