import { el } from "./dom.js";
import { Feed } from "./feed.js";
import { say } from "./language.js";
import { levelSetting } from "./level_setting.js";
import { PeopleList } from "./people_list.js";

/** @typedef {{ tab: HTMLElement, pane: HTMLElement }} Page */

/** A Panel has two lists beside the stage, of which one is seen: the feed and the people. */
export class Panel {
	/** @type {Page[]} */
	#pages;

	/**
	 * @param {HTMLElement} root
	 * @param {import("../engine/player.js").Player} player
	 */
	constructor(root, player) {
		this.feed = new Feed(player);
		const peopleTab = tab("people", say("panel.people"));
		const people = new PeopleList(player, (n) => peopleTab.textContent = say("panel.peopleCount", { n }));
		this.#pages = [
			{ tab: tab("feed", say("feed")), pane: pane("feed", ...this.feed.nodes) },
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
		this.#choose(0);
	}

	/** @param {KeyboardEvent} event */
	#key(event) {
		const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
		if (!by) return;
		event.preventDefault();
		const now = this.#pages.findIndex(({ tab }) => tab === document.activeElement);
		const to = (now + by + this.#pages.length) % this.#pages.length;
		this.#choose(to);
		this.#pages[to].tab.focus();
	}

	/** @param {number} chosen */
	#choose(chosen) {
		this.#pages.forEach(({ tab, pane }, i) => {
			tab.setAttribute("aria-selected", String(i === chosen));
			tab.tabIndex = i === chosen ? 0 : -1;
			pane.hidden = i !== chosen;
		});
		if (chosen === 0) this.feed.follow();
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
