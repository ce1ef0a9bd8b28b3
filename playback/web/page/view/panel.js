// The side panel: what was written and what happened, which scrolls with the
// time, and who took part.

import {el, nameNode, quoteNode, sentenceNodes, avatar, howBadge} from "./dom.js";
import {icon} from "./icons.js";
import {time, spokenTime, CUT, sentence, plain, line, count} from "./text.js";
import {within} from "../engine/spans.js";
import {volumeOf, explanation, facts} from "./person.js";

const PAGE = 150; // rows in the document at once, on either side of now
const MOST = 500; // people in the list
const ICONS = {event: "dot", detail: "dot", trouble: "alert", chat: "chat"};

export class Panel {
	#player; #recording; #tabs; #feed; #people; #back; #none;
	#entries = []; #rows = []; #first = 0; #last = 0; #current = -1; #away = 0; #here = [];
	#seen = {events: -1, people: null};
	#kinds = new Set(["chat", "event", "trouble"]); #search = "";

	constructor(root, player, recording) {
		this.#player = player;
		this.#recording = recording;
		this.#feed = el("ol", {class: "feed", id: "feed", "data-keys": "", "aria-label": "Chat and events, by time"});
		this.#none = el("p", {class: "none", hidden: true});
		this.#back = el("button", {type: "button", class: "backtonow", hidden: true, onclick: () => this.#follow()}, icon("down"), "Back to now");
		this.#people = el("ul", {class: "peoplelist", "aria-label": "People"});
		const chip = (words, ...kinds) => {
			const b = el("button", {type: "button", class: "chip", "aria-pressed": String(this.#kinds.has(kinds[0])), "data-filter": kinds[0], onclick: () => {
				const on = b.getAttribute("aria-pressed") !== "true";
				b.setAttribute("aria-pressed", String(on));
				for (const k of kinds) on ? this.#kinds.add(k) : this.#kinds.delete(k);
				this.#filter();
			}}, words);
			return b;
		};
		const search = el("input", {
			type: "search", class: "search", placeholder: "Search", "aria-label": "Search chat and events", maxLength: 100, spellcheck: false, autocomplete: "off",
			oninput: () => {
				this.#search = search.value.trim().toLocaleLowerCase();
				this.#filter();
			},
		});
		const feedPane = el("div", {class: "pane", id: "pane-feed", role: "tabpanel", "aria-labelledby": "tab-feed"},
			el("div", {class: "feedbar"},
				el("div", {class: "chips", role: "group", "aria-label": "Show"}, chip("Chat", "chat"), chip("Events", "event", "trouble"), chip("Details", "detail")), search),
			this.#feed, this.#none, this.#back);
		const peoplePane = el("div", {class: "pane", id: "pane-people", role: "tabpanel", "aria-labelledby": "tab-people", hidden: true}, this.#people);
		this.#tabs = this.#makeTabs([["feed", "Chat and events", feedPane], ["people", "People", peoplePane]]);
		root.append(this.#tabs, feedPane, peoplePane);
		this.#listen();
		this.update();
	}

	#makeTabs(list) {
		const tabs = list.map(([id, words, pane], i) => el("button", {type: "button", role: "tab", id: `tab-${id}`, "aria-controls": pane.id,
			"aria-selected": String(i === 0), tabIndex: i === 0 ? 0 : -1, onclick: () => choose(i)}, words));
		const choose = (i) => {
			tabs.forEach((tab, k) => {
				tab.setAttribute("aria-selected", String(k === i));
				tab.tabIndex = k === i ? 0 : -1;
				list[k][2].hidden = k !== i;
			});
			tabs[i].focus();
			if (i === 0) this.#follow();
		};
		return el("div", {class: "tabs", role: "tablist", "aria-label": "Panel", "data-keys": "", onkeydown: (event) => {
			const to = {ArrowLeft: -1, ArrowRight: 1}[event.key];
			if (!to) return;
			event.preventDefault();
			choose((tabs.indexOf(document.activeElement) + to + tabs.length) % tabs.length);
		}}, tabs);
	}

	#listen() {
		const feed = this.#feed;
		// Who scrolls reads: the list stays where it is until it is sent back.
		for (const type of ["wheel", "touchmove"]) feed.addEventListener(type, () => this.#leave(), {passive: true});
		feed.addEventListener("pointerdown", (event) => {
			if (event.offsetX > feed.clientWidth) this.#leave();
		});
		feed.addEventListener("click", (event) => {
			const row = event.target.closest(".row");
			if (!row || event.target.closest(".more") || String(getSelection())) return;
			this.#go(Number(row.dataset.i));
		});
		feed.addEventListener("keydown", (event) => {
			const row = event.target.closest(".row");
			if (!row || event.target.closest(".more")) return;
			const to = {ArrowUp: row.previousElementSibling, ArrowDown: row.nextElementSibling, Home: feed.firstElementChild, End: feed.lastElementChild}[event.key];
			if (to === undefined) return;
			event.preventDefault();
			event.stopPropagation();
			const when = to?.querySelector("button");
			if (!when) return;
			this.#leave();
			when.focus();
		});
		feed.addEventListener("focusin", (event) => {
			const when = event.target.closest(".when");
			if (when) this.#rove(when);
		});
	}

	// One row's button is in the order of Tab, the arrow keys go to the others.
	#rove(when) {
		for (const b of this.#feed.querySelectorAll('.when[tabindex="0"]')) b.tabIndex = -1;
		if (when) when.tabIndex = 0;
	}

	#leave() {
		this.#away = performance.now();
		this.#back.hidden = false;
	}

	#follow() {
		this.#away = 0;
		this.#back.hidden = true;
		this.#current = -1;
		this.tick();
	}

	#go(i) {
		const entry = this.#rows[i];
		if (!entry) return;
		this.#away = 0;
		this.#back.hidden = true;
		this.#player.seek(entry.t);
	}

	// step goes to the row before or after the moment.
	step(by) {
		const i = this.#at(this.#player.time + (by < 0 ? -1.5 : 0.05));
		const to = by < 0 ? i : i + 1;
		if (this.#rows[to]) this.#go(to);
	}

	// update takes the recording as it is now.
	update() {
		const r = this.#recording;
		if (this.#seen.people !== r.people) {
			this.#seen.people = r.people;
			this.#showPeople();
		}
		if (this.#seen.events !== r.events.length) {
			this.#seen.events = r.events.length;
			const look = {
				name: (id) => r.person(id)?.name,
				track: (uid) => {
					const k = r.track(String(uid));
					return k ? {who: k.name, source: k.source} : null;
				},
			};
			this.#entries = [];
			for (const e of r.events) {
				const s = sentence(e, look);
				if (s) this.#entries.push({t: e.from > 0 && e.type === "gap" ? e.from : e.t, e, ...s});
			}
			this.#entries.sort((a, b) => a.t - b.t);
			// Who reads while the recording grows stays where they are.
			const at = document.activeElement?.closest?.(".feed .row")?.dataset.i, top = this.#feed.scrollTop;
			this.#filter();
			if (this.#away) this.#feed.scrollTop = top;
			if (at !== undefined) this.#feed.querySelector(`[data-i="${at}"] .when`)?.focus({preventScroll: true});
		}
	}

	#filter() {
		const words = this.#search, r = this.#recording;
		const has = (x) => {
			const who = x.kind === "chat" ? r.person(x.e.participant)?.name || x.e.name || "" : "";
			return (who + " " + plain(x.parts)).toLocaleLowerCase().includes(words);
		};
		this.#rows = this.#entries.filter((x) => this.#kinds.has(x.kind) && (!words || has(x)));
		this.#none.hidden = this.#rows.length > 0;
		this.#none.textContent = this.#entries.length === 0 ? "Nothing was written, and nothing happened that this key may read." :
			words ? "Nothing here has these words." : "Nothing of this kind.";
		this.#current = -1;
		this.#window(this.#at(this.#player.time));
		this.tick();
	}

	// at is the index of the last row at or before t, -1 for none.
	#at(t) {
		let lo = 0, hi = this.#rows.length;
		while (lo < hi) {
			const mid = (lo + hi) >> 1;
			if (this.#rows[mid].t <= t + 0.001) lo = mid + 1;
			else hi = mid;
		}
		return lo - 1;
	}

	// window puts the rows around one into the document, and no others.
	#window(i, first = Math.max(0, i - PAGE), last = Math.min(this.#rows.length, i + PAGE)) {
		this.#first = first;
		this.#last = last;
		const nodes = [];
		for (let k = first; k < last; k++) nodes.push(this.#row(k));
		const other = (words, to) => el("li", {class: "otherrows"}, el("button", {type: "button", class: "textbutton", onclick: () => {
			this.#leave();
			this.#window(to);
			this.#feed.querySelector(`[data-i="${Math.min(to, this.#rows.length - 1)}"] .when`)?.focus();
		}}, words));
		if (first > 0) nodes.unshift(other(`${count(first, "earlier line")}`, Math.max(0, first - PAGE)));
		if (last < this.#rows.length) nodes.push(other(`${count(this.#rows.length - last, "later line")}`, last + PAGE));
		this.#feed.replaceChildren(...nodes);
		this.#rove(this.#feed.querySelector(".when"));
	}

	#row(k) {
		const {t, e, kind, parts} = this.#rows[k], r = this.#recording;
		const when = el("button", {type: "button", class: "when", tabIndex: -1, "aria-label": `Go to ${spokenTime(t)}`}, time(t));
		const row = el("li", {class: "row", "data-kind": kind, "data-i": k, "data-type": line(e.type, 20)});
		if (e.type === "chat") {
			const p = r.person(e.participant), name = p?.name || e.name || e.participant;
			row.append(avatar(e.participant, name), el("div", {class: "said"},
				el("div", {class: "by"}, nameNode(name), howBadge(r.howAt(e.participant, t)), when), el("p", {}, quoteNode(e.text)),
				e.reason === "cut" ? el("p", {class: "quiet"}, CUT) : ""));
		} else row.append(icon(ICONS[kind]), el("p", {class: "said"}, sentenceNodes(parts)), when);
		return row;
	}

	#showPeople() {
		const list = this.#recording.people;
		document.getElementById("tab-people").textContent = `People (${list.length})`;
		this.#here = list.slice(0, MOST).map((p) => {
			const mark = el("span", {class: "presence"});
			const node = el("li", {class: "person"},
				el("div", {class: "who"}, avatar(p.id, p.name || p.id), el("div", {}, el("strong", {}, nameNode(p.name || p.id)), howBadge(p.how, true)), mark),
				el("details", {}, el("summary", {}, "How this is known"), explanation(p.how),
					el("p", {class: "quiet"}, "Identity in the room: ", el("bdi", {}, line(p.id, 120)))),
				el("p", {class: "quiet"}, facts(p)), volumeOf(p, this.#player));
			return {id: p.id, node, mark};
		});
		this.#people.replaceChildren(...this.#here.map((h) => h.node));
		if (list.length > MOST) this.#people.append(el("li", {class: "quiet"}, `and ${list.length - MOST} more`));
	}

	tick() {
		const t = this.#player.time;
		const i = this.#at(t);
		if (i !== this.#current) {
			this.#current = i;
			const following = !this.#away || performance.now() - this.#away > 20000;
			if (following && (i < this.#first && i >= 0 || i >= this.#last)) this.#window(i);
			this.#feed.querySelector("[aria-current]")?.removeAttribute("aria-current");
			const row = this.#feed.querySelector(`[data-i="${i}"]`);
			row?.setAttribute("aria-current", "true");
			if (following) {
				this.#back.hidden = true;
				this.#away = 0;
				if (!this.#feed.contains(document.activeElement)) this.#rove((row ?? this.#feed).querySelector(".when"));
				this.#scroll(row);
			}
		}
		if (this.#people.offsetParent) {
			for (const h of this.#here) {
				const p = this.#recording.person(h.id);
				const words = !p || !within(p.presence, t) ? "away" : within(p.speaking, t) ? "speaking" : "here";
				if (h.mark.textContent !== words) h.mark.textContent = h.mark.dataset.now = words;
			}
		}
	}

	// The list scrolls, and nothing around it.
	#scroll(row) {
		const feed = this.#feed;
		const top = row ? row.offsetTop - feed.clientHeight * 0.6 + row.offsetHeight : 0;
		const calm = matchMedia("(prefers-reduced-motion: reduce)").matches || Math.abs(feed.scrollTop - top) > 1500;
		feed.scrollTo({top, behavior: calm ? "instant" : "smooth"});
	}
}
