import { since, within } from "../engine/spans.js";
import { announce } from "./announce.js";
import { button, closest, el } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./language.js";
import { focus, grid } from "./layout.js";
import { card } from "./person.js";
import { Tile } from "./tile.js";

/** How long someone who spoke keeps a place on the first page, and the large tile, in seconds. */
const keepsPlace = 30, keepsTile = 1.5;

/** With more people than this one of them is large, unless there is a grid. */
const mostEqual = 4;

/** How many screens are large. */
const mostScreens = 2;

/** @typedef {"auto"|"grid"|"speaker"} Mode */

/** @typedef {import("./language.js").Key} Key */

/** @type {Record<string, [icon: string, head: Key, text: Key]>} why nobody is to be seen */
const emptiness = {
	failed: ["alert", "tile.failed", "stage.failed.text"],
	locked: ["lock", "tile.locked", "stage.locked.text"],
	nobody: ["person", "stage.nobody", "stage.nobody.text"],
};

/**
 * The Stage has a tile for each person who is there and for each screen shown. Tiles
 * are placed, never moved in the document: a video that is moved stops.
 */
export class Stage {
	#root;
	#player;
	#recording;
	#popover;
	#board = el("div", { class: "board" });
	#empty = el("div", { class: "nobody", hidden: true });
	#before = button("left", say("stage.before"), () => this.#turn(-1));
	#count = el("span", { class: "count" });
	#after = button("right", say("stage.after"), () => this.#turn(1));
	#pager = el("div", { class: "pager", role: "group", "aria-label": say("stage.pages"), hidden: true },
		this.#before, this.#count, this.#after);
	/** @type {Map<string, Tile>} */
	#tiles = new Map();
	/** @type {Mode} */
	#mode;
	#page = 0;
	/** @type {string|null} the identity whose tile is large */
	#speaker = null;
	/** @type {string|null} the key of the tile that was enlarged */
	#pinned = null;
	/** The tracks whose pictures are shown, as the player was told. */
	#shown = "";

	/**
	 * @param {HTMLElement} root
	 * @param {import("../engine/player.js").Player} player
	 * @param {import("./popover.js").Popover} popover
	 * @param {Mode} mode
	 */
	constructor(root, player, popover, mode) {
		this.#root = root;
		this.#player = player;
		this.#recording = player.recording;
		this.#popover = popover;
		this.#mode = mode;
		root.append(this.#board, this.#empty, this.#pager);
		this.#board.addEventListener("dblclick", (event) => {
			const key = closest(event, ".tile")?.dataset.key;
			if (key && !closest(event, "button")) this.#pin(key);
		});
		new ResizeObserver(() => this.#update()).observe(root);
		player.on(["time", "state", "tracks", "spans", "update"], () => this.#update());
		queueMicrotask(() => this.#update()); // when the rest of the page is there, which takes its room
	}

	/** How tiles are laid out. */
	get mode() { return this.#mode; }
	set mode(mode) {
		this.#mode = mode;
		this.#pinned = null;
		this.#page = 0;
		this.#update();
	}

	/** @param {number} by pages */
	#turn(by) {
		this.#page += by;
		this.#update();
	}

	/**
	 * pin enlarges a tile, or lets it go.
	 * @param {string} key
	 */
	#pin(key) {
		this.#pinned = this.#pinned === key ? null : key;
		announce(say(this.#pinned ? "tile.enlarged" : "tile.restored"));
		this.#update();
	}

	/** update puts on the stage what the moment has. */
	#update() {
		const t = this.#player.time, now = this.#recording.at(t);
		const people = now.present.map((id) => this.#recording.person(id)).filter((p) => p !== undefined);
		const plan = this.#plan(this.#order(people, t), now.screens, t);
		for (const [key, tile] of this.#tiles) {
			if (plan.rects.has(key)) continue;
			tile.remove();
			this.#tiles.delete(key);
		}
		const speaking = new Set(now.speaking), videos = new Set();
		[...plan.rects].forEach(([key, rect], i) => {
			const tile = this.#tiles.get(key) ?? this.#add(key);
			tile.place(rect, i < plan.large, this.#pinned === key);
			const uid = tile.update(t, speaking);
			if (uid !== null) videos.add(uid);
		});
		const shown = [...videos].sort().join();
		if (shown !== this.#shown) {
			this.#shown = shown;
			this.#player.show(videos);
		}
		this.#showPager(plan);
		this.#showEmpty(people.length + now.screens.length === 0, t);
	}

	/** @param {string} key p: and an identity, or s: and the UID of a screen */
	#add(key) {
		const name = key.slice(2), screen = key.startsWith("s:");
		const id = screen ? this.#recording.track(name)?.participant : name;
		const tile = new Tile(this.#player, { key, id, uid: screen ? name : undefined }, {
			pin: () => this.#pin(key), menu: (anchor) => this.#showMenu(key, id, anchor),
		});
		this.#tiles.set(key, tile);
		this.#board.append(tile.node);
		return tile;
	}

	/**
	 * @param {string} key
	 * @param {string|undefined} id
	 * @param {HTMLElement} anchor
	 */
	#showMenu(key, id, anchor) {
		const person = this.#recording.person(id);
		if (!person) return;
		const enlarge = say(key.startsWith("s:") ? "tile.enlarge.screen" : "tile.enlarge.person");
		const pin = () => {
			this.#popover.close();
			this.#pin(key);
		};
		const pinButton = el("button", { type: "button", class: "textbutton", onclick: pin },
			this.#pinned === key ? say("tile.restore") : enlarge);
		const how = this.#recording.howAt(person.id, this.#player.time);
		this.#popover.show(anchor, card(person, how, this.#player, pinButton), say("person.about"));
	}

	/**
	 * order has who spoke lately first, so that they are on the first page; all others
	 * stay where they were.
	 * @param {import("../engine/people.js").Person[]} people
	 * @param {number} t
	 */
	#order(people, t) {
		/** @param {import("../engine/people.js").Person} p */
		const lately = (p) => since(p.speaking, t) < keepsPlace;
		return [...people.filter(lately), ...people.filter((p) => !lately(p))];
	}

	/**
	 * active is whose tile is large: who speaks, else who spoke last.
	 * @param {import("../engine/people.js").Person[]} people
	 * @param {number} t
	 */
	#active(people, t) {
		const here = people.find((p) => p.id === this.#speaker);
		if (here && since(here.speaking, t) < keepsTile) return here;
		/** @type {import("../engine/people.js").Person|null} */
		let best = null;
		let least = Infinity;
		for (const p of people) {
			const s = since(p.speaking, t);
			if (s < least) [best, least] = [p, s];
		}
		if (least > 0 && here) return here;
		best ??= people[0] ?? null;
		this.#speaker = best?.id ?? null;
		return best;
	}

	/**
	 * @param {import("../engine/people.js").Person[]} people
	 * @param {string[]} screens
	 * @param {number} t
	 */
	#plan(people, screens, t) {
		const keys = people.map((p) => "p:" + p.id), shared = screens.map((uid) => "s:" + uid);
		const large = this.#large(keys, shared, people, t);
		// The order on the stage is who came first, whatever the page is about.
		const places = new Map(this.#recording.people.map((p, i) => ["p:" + p.id, i]));
		const room = {
			width: this.#root.clientWidth, height: this.#root.clientHeight, page: this.#page,
			/** @type {(a: string, b: string) => number} */
			stable: (a, b) => (places.get(a) ?? -1) - (places.get(b) ?? -1),
		};
		const rest = [...shared, ...keys].filter((k) => !large.includes(k));
		const plan = large.length ? focus(large, rest, room) : grid(rest, room);
		this.#page = plan.page;
		return plan;
	}

	/**
	 * large has the keys of the tiles that get most of the room.
	 * @param {string[]} keys
	 * @param {string[]} shared
	 * @param {import("../engine/people.js").Person[]} people
	 * @param {number} t
	 */
	#large(keys, shared, people, t) {
		if (this.#pinned && (keys.includes(this.#pinned) || shared.includes(this.#pinned))) return [this.#pinned];
		if (this.#mode !== "grid" && shared.length) return shared.slice(0, mostScreens);
		if (this.#mode === "speaker" || this.#mode === "auto" && people.length > mostEqual) {
			const p = this.#active(people, t);
			if (p) return ["p:" + p.id];
		}
		return [];
	}

	/** @param {import("./layout.js").Plan} plan */
	#showPager({ page, pages, pager }) {
		this.#pager.hidden = pages < 2;
		if (pages < 2 || !pager) return;
		this.#before.disabled = page === 0;
		this.#after.disabled = page === pages - 1;
		this.#count.textContent = say("stage.page", { page: page + 1, pages });
		this.#pager.style.left = `${pager[0]}px`;
		this.#pager.style.top = `${pager[1]}px`;
	}

	/**
	 * @param {boolean} empty
	 * @param {number} t
	 */
	#showEmpty(empty, t) {
		const r = this.#recording;
		const why = !empty ? "" : within(r.failed, t) ? "failed" : within(r.locked, t) ? "locked" : "nobody";
		if (this.#empty.dataset.what === why) return;
		this.#empty.dataset.what = why;
		this.#empty.hidden = !empty;
		const words = emptiness[why];
		this.#empty.replaceChildren(...(words ? [icon(words[0]), el("strong", {}, say(words[1])), el("span", {}, say(words[2]))] : []));
	}
}
