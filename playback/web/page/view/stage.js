// The stage: a tile for each person who is there and for each screen shown.
// Tiles are placed, never moved in the document: a video that is moved stops.

import {el, button, announce} from "./dom.js";
import {icon} from "./icons.js";
import {Tile} from "./tile.js";
import {grid, focus} from "./layout.js";
import {since} from "../engine/spans.js";
import {within} from "../engine/spans.js";

const RECENT = 30; // seconds for which someone who spoke keeps a place on the first page

export class Stage {
	#root; #board; #player; #recording; #tiles = new Map(); #page = 0; #speaker = null; #pinned = null;
	#pager; #empty; #shown = ""; #key = ""; #mode; #menu;

	// menu(person, button) opens a person's popover; mode is 'auto', 'grid' or 'speaker'.
	constructor(root, player, recording, {mode = "auto", menu = () => {}} = {}) {
		this.#root = root;
		this.#player = player;
		this.#recording = recording;
		this.#mode = mode;
		this.#menu = menu;
		this.#board = el("div", {class: "board"});
		this.#empty = el("div", {class: "nobody", hidden: true});
		const turn = (by) => () => {
			this.#page += by;
			this.update();
		};
		this.#pager = el("div", {class: "pager", role: "group", "aria-label": "Pages of people", hidden: true},
			button("left", "Previous people", turn(-1)), el("span", {class: "count"}), button("right", "Next people", turn(1)));
		root.append(this.#board, this.#empty, this.#pager);
		this.#board.addEventListener("dblclick", (event) => {
			const key = event.target.closest(".tile")?.dataset.key;
			if (key && !event.target.closest("button")) this.pin(key);
		});
		new ResizeObserver(() => {
			this.#key = "";
			this.update();
		}).observe(root);
	}

	get mode() {
		return this.#mode;
	}
	set mode(mode) {
		this.#mode = mode;
		this.#pinned = null;
		this.#page = 0;
		this.update();
	}

	// pin enlarges a tile, or lets it go.
	pin(key) {
		this.#pinned = this.#pinned === key ? null : key;
		announce(this.#pinned ? "Tile enlarged" : "Tile back in its place");
		this.update();
	}
	pinned(key) {
		return this.#pinned === key;
	}

	// update puts on the stage what the moment has.
	update() {
		const t = this.#player.time;
		const now = this.#recording.at(t);
		const people = now.present.map((id) => this.#person(id)).filter(Boolean);
		const screens = now.screens.map((uid) => this.#recording.track(uid)).filter(Boolean);
		const w = this.#root.clientWidth, h = this.#root.clientHeight;
		const order = this.#order(people, t);
		const plan = this.#plan(order, screens, now.speaking, t, w, h);

		const keep = new Set(plan.rects.keys());
		for (const [key, tile] of this.#tiles) {
			if (keep.has(key)) continue;
			tile.remove();
			this.#tiles.delete(key);
		}
		const speaking = new Set(now.speaking), video = new Set();
		let z = 0;
		for (const [key, rect] of plan.rects) {
			let tile = this.#tiles.get(key);
			if (!tile) {
				tile = this.#make(key);
				this.#tiles.set(key, tile);
				this.#board.append(tile.node);
			}
			tile.place(rect, z++ < plan.large, this.#pinned === key);
			const uid = tile.update(t, speaking);
			if (uid) video.add(uid);
		}
		const shown = [...video].sort().join();
		if (shown !== this.#shown) {
			this.#shown = shown;
			this.#player.show(video);
		}
		this.#showPager(plan);
		this.#showEmpty(people.length + screens.length === 0, t);
	}

	#person(id) {
		return this.#recording.person(id);
	}

	#make(key) {
		if (key.startsWith("s:")) {
			const track = this.#recording.track(key.slice(2));
			return new Tile(key, this.#player, this.#recording, this, {track, person: this.#person(track.participant), menu: this.#menu});
		}
		return new Tile(key, this.#player, this.#recording, this, {person: this.#person(key.slice(2)), menu: this.#menu});
	}

	// order has who spoke lately first, so that they are on the first page; all
	// others stay where they were.
	#order(people, t) {
		const lately = (p) => since(p.speaking, t) < RECENT ? 0 : 1;
		return people.map((p, i) => [lately(p), i, p]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((e) => e[2]);
	}

	// active is whose tile is large: who speaks, else who spoke last.
	#active(people, speaking, t) {
		const here = people.find((p) => p.id === this.#speaker);
		if (here && since(here.speaking, t) < 1.5) return here;
		let best = null, least = Infinity;
		for (const p of people) {
			const s = since(p.speaking, t);
			if (s < least) best = p, least = s;
		}
		if (least > 0 && here) return here;
		best ??= people[0] ?? null;
		this.#speaker = best?.id ?? null;
		return best;
	}

	#plan(people, screens, speaking, t, w, h) {
		const keys = people.map((p) => "p:" + p.id), shared = screens.map((k) => "s:" + k.uid);
		let large = [];
		if (this.#pinned && (keys.includes(this.#pinned) || shared.includes(this.#pinned))) large = [this.#pinned];
		else if (this.#mode !== "grid" && shared.length) large = shared.slice(0, 2);
		else if (this.#mode === "speaker" || this.#mode === "auto" && people.length > 4) {
			const p = this.#active(people, speaking, t);
			if (p) large = ["p:" + p.id];
		}
		// The order on the stage is who came first, whatever the page is about.
		const all = new Map(this.#recording.people.map((p, i) => ["p:" + p.id, i]));
		const stable = (a, b) => (all.get(a) ?? -1) - (all.get(b) ?? -1);
		const rest = [...shared, ...keys].filter((k) => !large.includes(k));
		const plan = large.length ? focus(large, rest, w, h, this.#page, stable) : grid(rest, w, h, this.#page, stable);
		this.#page = plan.page;
		return plan;
	}

	#showPager(plan) {
		this.#pager.hidden = plan.pages < 2;
		if (plan.pages < 2) return;
		const [before, count, after] = this.#pager.children;
		before.disabled = plan.page === 0;
		after.disabled = plan.page === plan.pages - 1;
		count.textContent = `${plan.page + 1} of ${plan.pages}`;
		this.#pager.style.left = `${plan.pager[0]}px`;
		this.#pager.style.top = `${plan.pager[1]}px`;
	}

	#showEmpty(empty, t) {
		const r = this.#recording;
		const what = !empty ? "" : within(r.failed, t) ? "failed" : within(r.locked, t) ? "locked" : "nobody";
		if (this.#empty.dataset.what === what) return;
		this.#empty.dataset.what = what;
		this.#empty.hidden = !empty;
		const [name, head, text] = {
			failed: ["alert", "Failed verification", "This part is not what was recorded, so it is not played. Playback goes on after it."],
			locked: ["lock", "Locked", "No key of yours opens this part. Playback goes on after it."],
			nobody: ["person", "Nobody is here", "At this moment nobody was in the room."],
		}[what] ?? [];
		this.#empty.replaceChildren(...(head ? [icon(name), el("strong", {}, head), el("span", {}, text)] : []));
	}
}
