// The library page: all recordings of the store, to search, sort and open.

import {HTTPSource} from "../engine/http_source.js";
import {el, nameNode, avatar, stored, store} from "./dom.js";
import {icon, fillIcons} from "./icons.js";
import {line, date, length, time, bytes, count, hue, signer} from "./text.js";

const $ = (id) => document.getElementById(id);
const MOST = 400; // cards in the document, before one asks for more
const STATES = {open: ["live", "dot", "Live"], closed: ["plain", "film", "Closed"], cut: ["warn", "alert", "Cut off"]};
const ACCESS = {all: ["good", "unlock", "Opens"], part: ["warn", "lock", "Opens a part"], none: ["bad", "lock", "Locked"]};

const titleOf = (r) => line(r.title || r.room, 120) || (r.access === "none" ? "Locked recording" : "Recording without a name");

// match says whether a recording has all the words, somewhere.
export function match(r, words) {
	const text = [r.title, r.room, r.id, ...(r.people ?? []), ...(r.signers ?? [])].join("\n").toLocaleLowerCase();
	return words.toLocaleLowerCase().split(/\s+/).every((w) => text.includes(w));
}

const ORDERS = {
	newest: (a, b) => b.begun - a.begun,
	oldest: (a, b) => a.begun - b.begun,
	longest: (a, b) => b.duration - a.duration,
	people: (a, b) => (b.people?.length ?? 0) - (a.people?.length ?? 0),
	name: (a, b) => titleOf(a).localeCompare(titleOf(b)),
};

class Library {
	#all = []; #shown = MOST;

	constructor() {
		for (const id of ["access", "state", "order"]) $(id).addEventListener("change", () => this.show(true));
		$("search").addEventListener("input", () => this.show(true));
		const order = stored("order", "newest");
		if (order in ORDERS) $("order").value = order;
		document.addEventListener("keydown", (event) => {
			if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea")) return;
			event.preventDefault();
			$("search").focus();
		});
	}

	async load() {
		const ghost = () => el("li", {class: "card ghost"}, el("div", {class: "poster"}), el("div", {class: "bone"}), el("div", {class: "bone short"}));
		$("results").replaceChildren(el("ul", {class: "cards", "aria-hidden": "true"}, Array.from({length: 8}, ghost)));
		$("count").textContent = "Looking for recordings…";
		try {
			this.#all = (await new HTTPSource().recordings()).map((r) => ({...r, begun: new Date(r.start).getTime() || 0, duration: Number(r.duration) || 0}));
		} catch (err) {
			$("results").replaceChildren();
			$("results").setAttribute("aria-busy", "false");
			$("count").textContent = "";
			$("message").hidden = false;
			$("message").replaceChildren(icon("alert"), el("h2", {id: "messagehead"}, "The recordings cannot be listed"), el("p", {}, el("bdi", {}, line(err?.message, 600))),
				el("div", {class: "actions"}, el("button", {type: "button", class: "textbutton primary", onclick: () => location.reload()}, "Try again")));
			return;
		}
		$("results").setAttribute("aria-busy", "false");
		this.show();
	}

	show(fresh) {
		if (fresh) this.#shown = MOST;
		const words = $("search").value.trim(), access = $("access").value, state = $("state").value, order = $("order").value;
		store("order", order);
		const list = this.#all.filter((r) => (!words || match(r, words)) && (!access || r.access === access) &&
			(!state || (state === "trouble" ? Boolean(r.problem) || r.incomplete : r.state === state))).sort(ORDERS[order]);
		const all = this.#all.length;
		$("count").textContent = all === 0 ? "" : list.length === all ? count(all, "recording") : `${list.length} of ${count(all, "recording")}`;
		if (list.length === 0) return this.#none(all);
		const shown = list.slice(0, this.#shown);
		const byMonth = shown.length > 12 && (order === "newest" || order === "oldest");
		const groups = [];
		for (const r of shown) {
			const name = byMonth ? month(r.begun) : "";
			if (groups[groups.length - 1]?.name !== name) groups.push({name, list: []});
			groups[groups.length - 1].list.push(r);
		}
		$("results").replaceChildren(...groups.map((g) => el("section", {"aria-label": g.name || "Recordings"}, g.name ? el("h2", {}, g.name) : null, el("ul", {class: "cards"}, g.list.map(card)))));
		if (list.length > shown.length) {
			$("results").append(el("button", {type: "button", class: "textbutton more", onclick: () => {
				this.#shown += MOST;
				this.show();
			}}, `Show ${count(Math.min(MOST, list.length - shown.length), "more recording")}`));
		}
	}

	#none(all) {
		$("results").replaceChildren(el("div", {class: "nothing"}, icon(all ? "search" : "film"),
			el("h2", {}, all ? "No recording is like that" : "No recordings yet"),
			all ? el("p", {}, "Try other words, or take away a filter.") : el("p", {}, "What is recorded to this store is listed here. ", el("code", {}, "sealtape record"), " makes one."),
			all ? el("button", {type: "button", class: "textbutton", onclick: () => {
				for (const id of ["search", "access", "state"]) $(id).value = "";
				this.show(true);
				$("search").focus();
			}}, "Show all") : null));
	}
}

function month(ms) {
	if (!ms) return "No date";
	const then = new Date(ms), now = new Date();
	const days = Math.round((new Date(now.toDateString()) - new Date(then.toDateString())) / 864e5);
	if (days === 0) return "Today";
	if (days === 1) return "Yesterday";
	if (days > 1 && days < 7) return "This week";
	return then.toLocaleDateString(undefined, {month: "long", year: "numeric"});
}

function badge([kind, name, words], title = "") {
	return el("span", {class: "badge", "data-kind": kind, title}, icon(name), el("span", {}, words));
}

function card(r) {
	const people = r.people ?? [];
	const poster = el("div", {class: "poster", "data-hue": hue(r.room || r.id), "aria-hidden": "true"},
		r.access === "none" ? icon("lock") : el("div", {class: "faces"}, people.slice(0, 5).map((p) => avatar(p, p)),
			people.length > 5 ? el("span", {class: "avatar rest"}, `+${people.length - 5}`) : null, people.length ? null : icon("film")),
		r.state === "open" ? el("span", {class: "livemark"}, "Live") : null,
		r.duration ? el("span", {class: "duration"}, time(r.duration)) : null);
	const who = people.slice(0, 4).flatMap((p, i) => [i ? ", " : "", nameNode(p, 40)]);
	if (people.length > 4) who.push(` and ${people.length - 4} more`);
	const badges = [badge(ACCESS[r.access] ?? ACCESS.none, {all: "Your key opens all of it", part: "Your key opens a part of it", none: "None of your keys opens it"}[r.access])];
	if (r.state !== "closed") badges.push(badge(STATES[r.state] ?? ["warn", "alert", "Unknown state"]));
	if (r.problem) badges.push(badge(["bad", "alert", "Problem"]));
	else if (r.incomplete && r.state === "closed") badges.push(badge(["warn", "hole", "Incomplete"], "Something that was sent is missing, with its reason"));
	const facts = [date(r.start), r.duration ? length(r.duration) : "", r.bytes ? bytes(r.bytes) : ""].filter(Boolean).join(" · ");
	const title = titleOf(r);
	return el("li", {class: "card", "data-access": r.access},
		el("a", {href: `watch/${encodeURIComponent(r.id)}`}, poster, el("div", {class: "words"}, el("h3", {}, el("bdi", {}, title)))),
		el("div", {class: "rest"}, r.title && r.room ? el("p", {class: "quiet"}, el("bdi", {}, line(r.room, 80))) : null,
			title !== line(r.title || r.room, 120) ? el("p", {class: "quiet"}, line(r.id, 30)) : null, el("p", {class: "quiet"}, facts), people.length ? el("p", {class: "people"}, icon("person"), el("span", {}, who)) : null,
			r.signers?.length ? el("p", {class: "people signer", title: line(r.signers.join(", "), 400)}, icon("seal"),
				el("span", {}, "Verified: ", r.signers.slice(0, 3).flatMap((s, i) => [i ? ", " : "", nameNode(signer(s), 40)]))) : null,
			el("p", {class: "badges"}, badges), r.problem ? el("p", {class: "problem"}, el("bdi", {}, line(r.problem, 240))) : null));
}

fillIcons();
new Library().load();
