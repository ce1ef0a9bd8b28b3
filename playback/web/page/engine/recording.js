import { Marks } from "./marks.js";
import { peopleOf } from "./people.js";
import { wordsOf } from "./said.js";
import { Segments } from "./segments.js";
import * as spans from "./spans.js";
import { tracksOf } from "./tracks_of.js";

/** Silence that skip-silence leaves: after a word, before one, and the least it skips. */
const afterWord = 0.6, beforeWord = 0.5, leastSkip = 1.5;

/**
 * A speaking event comes when somebody stops, or in pieces of 30 s: nearer to the
 * end of a recording that goes on nobody knows.
 */
const speakingLag = 32;

/** What is seen at the very end is what was just before it, in seconds. */
const beforeEnd = 0.05;

/** @typedef {{ from: number, to: number, reason: string }} Hole */

/** @typedef {{ name: string, words: string, by: "link"|"folder" }} Claimant */

/**
 * A Recording is what is known of one: who was there, what they sent and when,
 * what is missing. Pure: no DOM, no clock, no network. All times are seconds on the
 * recording clock, all spans are [from, to), sorted and apart.
 *
 * Names, titles and texts are what strangers chose. They are kept as they came;
 * whoever shows them makes text of them.
 */
export class Recording {
	version = "";
	id = "";
	/** @type {"open"|"closed"|"cut"} */
	state = "closed";
	live = false;
	/** There may be transcripts that are not known yet. */
	wordsLater = false;
	room = "";
	title = "";
	/** @type {Date|null} */
	start = null;
	duration = 0;
	/** @type {string[]} */
	signers = [];
	/**
	 * Those who may be among the signers, and whose cards nobody has compared: the name that
	 * they have there, the eight words of the key, and who says that it is a recorder's.
	 * @type {Claimant[]}
	 */
	claimants = [];
	/** @type {import("./description.js").Finding|null} why the signature does not count */
	distrust = null;
	/** The key that shared it, if only a link says that it did; else "". */
	sharedBy = "";
	/** The store lists nothing, so what was added beside it is not known. */
	unlisted = false;
	postQuantum = false;
	resealedFrom = "";
	/** @type {import("./description.js").Imported|null} */
	imported = null;
	/** What opens it again, with its ID or a link behind: a command. */
	command = "";
	/** What it can be saved as: the ends of files' names. */
	formats = ["mkv"];
	/** How many holes of a second or more make it incomplete. */
	wideHoles = 0;
	/** @type {import("./description.js").Epoch[]} */
	epochs = [];
	/** @type {import("./description.js").Problem[]} */
	problems = [];
	segments = new Segments();
	/** @type {import("./description.js").Event[]} */
	events = [];
	/** @type {import("./tracks_of.js").Track[]} */
	tracks = [];
	/** @type {import("./people.js").Person[]} by when they came */
	people = [];
	/** The members made the room's keys, and gave them to the recorder if they agreed. */
	memberKeys = false;
	/** @type {import("./description.js").Agreement[]} */
	#agreed = [];
	/** @type {import("./said.js").Words[]} what was said: attached transcripts, the newest first, then what was written down live */
	words = [];
	/** @type {import("./description.js").Transcript[]} */
	#attached = [];
	/** @type {spans.Span[]} when anybody speaks */
	speaking = [];
	/** @type {{ t: number, who: string, name: string, text: string, reaction: boolean }[]} */
	chat = [];
	/** @type {import("./description.js").Hole[]} as the description has them */
	#declared = [];
	/** @type {Map<string, Hole[]>} by track */
	#holes = new Map();
	/** @type {Map<string, import("./tracks_of.js").Track>} */
	#trackByUID = new Map();
	/** @type {Map<string, import("./people.js").Person>} */
	#personByID = new Map();

	/** @param {import("./description.js").Description} description */
	constructor(description) {
		this.update(description);
	}

	/**
	 * update takes the recording's later state: the whole of it, or only segments
	 * from a number on and events from a count on, as asked for.
	 * @param {import("./description.js").Description} d
	 */
	update(d) {
		this.version = d.version;
		this.id = d.id;
		this.state = d.state;
		this.live = d.state === "open";
		this.room = d.room || "";
		this.title = d.title || "";
		this.start = d.start ? new Date(d.start) : null;
		this.signers = d.signers || [];
		this.distrust = d.distrust ?? null;
		if (d.claimed) this.claimants = [{ name: this.signers[0], words: d.claimed, by: "link" }];
		this.sharedBy = d.shared_by || "";
		this.unlisted = !!d.unlisted;
		this.postQuantum = !!d.post_quantum;
		this.wideHoles = d.wide_holes || 0;
		this.resealedFrom = d.resealed_from || "";
		this.imported = d.imported ?? null;
		this.command = d.command || "";
		this.formats = d.formats?.length ? d.formats : this.formats;
		this.epochs = d.epochs || [];
		this.problems = d.problems || [];
		this.memberKeys = !!d.member_keys;
		this.#agreed = d.agreed || [];
		this.#attached = d.words || this.#attached;
		this.wordsLater = !!d.words_later;
		this.segments.take(d.segments || [], (d.tracks || []).map((t) => String(t.uid)));
		this.#takeEvents(d.events || [], d.events_total);
		this.#declared = d.holes || this.#declared;
		this.duration = Math.max(d.duration || 0, this.segments.last?.to ?? 0);
		this.#derive(d.tracks || []);
	}

	/** Who signed it, if nobody did whose card was compared; else null. */
	get claimant() {
		const all = this.signers.map((name) => this.claimants.find((c) => c.name === name));
		return all.every(Boolean) ? all[0] ?? null : null;
	}

	/** What no key opens. */
	get locked() { return this.segments.locked; }
	/** What failed its verification. */
	get failed() { return this.segments.failed; }

	/**
	 * What to ask the source for next: all before is known and will not change.
	 * @returns {import("./source.js").Known}
	 */
	get known() {
		return { version: this.version, from: this.segments.last?.number ?? 0, events: this.events.length };
	}

	/**
	 * @param {import("./description.js").Event[]} list
	 * @param {number} [total]
	 */
	#takeEvents(list, total) {
		const known = total === undefined ? 0 : Math.max(0, total - list.length);
		this.events = this.events.slice(0, known).concat(list);
	}

	/** @param {import("./description.js").TrackEntry[]} list */
	#derive(list) {
		const marks = new Marks(this.events), { segments, duration } = this;
		this.tracks = tracksOf(list, { segments, marks, duration });
		this.people = peopleOf(marks, this.tracks, duration);
		for (const p of this.people) p.agreed = this.#agreed.filter((a) => a.participant === p.id);
		this.#trackByUID = new Map(this.tracks.map((t) => [t.uid, t]));
		this.#personByID = new Map(this.people.map((p) => [p.id, p]));
		this.words = wordsOf(this.#attached, this.events, this.people);
		this.speaking = spans.merge(this.people.flatMap((p) => p.speaking));
		this.#holes = new Map();
		for (const g of this.#declared) {
			const uid = String(g.track), holes = this.#holes.get(uid) || [];
			this.#holes.set(uid, holes);
			holes.push({ from: g.from, to: g.to, reason: g.reason || "" });
		}
		for (const holes of this.#holes.values()) holes.sort((x, y) => x.from - y.from);
		this.chat = this.events.filter((e) => e.type === "chat" || e.type === "reaction").map((e) => ({
			t: e.t, who: e.participant || "", name: e.name || this.person(e.participant)?.name || "",
			text: e.text || "", reaction: e.type === "reaction",
		}));
	}

	/** @param {string} [id] */
	person(id) {
		return this.#personByID.get(id ?? "");
	}

	/**
	 * howAt tells how a person's name was known at t. It is proved for one stay only:
	 * whoever comes back under the identity may be somebody else.
	 * @param {string|undefined} id
	 * @param {number} t
	 * @returns {import("./people.js").How}
	 */
	howAt(id, t) {
		const p = this.person(id);
		if (!p) return "unknown";
		const i = spans.find(p.known, t);
		return (i >= 0 && p.known[i][1]) || (p.name ? "claimed" : "unknown");
	}

	/** @param {string} uid */
	track(uid) {
		return this.#trackByUID.get(uid);
	}

	/**
	 * holes returns what the track misses of what was sent.
	 * @param {string} uid
	 */
	holes(uid) {
		return this.#holes.get(uid) || [];
	}

	/**
	 * at tells who is there, who speaks and which screens are shown at t; at the end,
	 * just before it.
	 * @param {number} t
	 */
	at(t) {
		t = Math.min(t, this.duration - beforeEnd);
		return {
			present: this.people.filter((p) => spans.within(p.presence, t)).map((p) => p.id),
			speaking: this.people.filter((p) => spans.within(p.speaking, t)).map((p) => p.id),
			screens: this.tracks.filter((x) => x.source === "screen" && spans.within(x.life, t)).map((x) => x.uid),
		};
	}

	/**
	 * silences returns the spans to skip, in which nobody speaks, with a little
	 * left at both ends. None if the timeline says nothing of speakers.
	 */
	silences() {
		if (this.speaking.length === 0) return [];
		const end = this.live ? this.duration - speakingLag : this.duration;
		/** @type {spans.Span[]} */
		const words = this.speaking.map(([a, b]) => [a - beforeWord, b + afterWord]);
		return spans.without(spans.merge(words), 0, end).filter(([a, b]) => b - a >= leastSkip);
	}
}
