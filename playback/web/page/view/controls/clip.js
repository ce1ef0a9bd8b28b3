import { toast } from "../announce.js";
import { copy, save } from "../clipboard.js";
import { button, el } from "../dom.js";
import { say } from "../language.js";
import { bytes, line, parseTime, time } from "../text.js";
import { transcript } from "../transcript.js";

/** @type {Record<string, [option: import("../language.js").Key, note: import("../language.js").Key|""]>} by the end of a file's name */
const formats = {
	mkv: ["clip.mkv", "clip.mkv.note"], m4a: ["clip.m4a", "clip.sound.note"], ogg: ["clip.ogg", "clip.sound.note"],
	opus: ["clip.opus", "clip.opus.note"], vtt: ["clip.vtt", "clip.vtt.note"], txt: ["clip.txt", ""],
};

/**
 * A ClipButton opens what one can take along: a part of the recording, or all of it, as
 * a file or a link, and what was written.
 */
export class ClipButton {
	#player;
	#range;
	#from;
	#to;
	#error = el("p", { class: "error", role: "alert" });
	#format = el("select", { id: "clipformat", onchange: () => this.#show() });
	#note = el("p", { class: "quiet" });
	#who = el("select", { id: "clipwho", onchange: () => this.#show() });
	#whoField = el("div", { class: "field" }, el("label", { htmlFor: "clipwho" }, say("clip.who")), this.#who);
	#saved = el("p", { class: "quiet", role: "status" });
	#saveClip = el("a", { class: "textbutton", download: "" }, say("clip.save"));
	#saveWhole = el("a", { class: "textbutton", download: "" }, say("clip.whole"));
	node;

	/**
	 * @param {import("../../engine/player.js").Player} player
	 * @param {import("../range.js").Range} range
	 * @param {import("../popover.js").Popover} popover
	 */
	constructor(player, range, popover) {
		this.#player = player;
		this.#range = range;
		this.#from = this.#field("clipfrom");
		this.#to = this.#field("clipto");
		this.node = button("clip", say("clip"), () => {
			this.#show();
			popover.show(this.node, this.#nodes(), say("clip"));
		}, { "id": "clip", "aria-haspopup": "dialog" });
		const known = player.recording.formats.filter((format) => format in formats);
		this.#format.append(...known.map((format) => el("option", { value: format }, say(formats[format][0]))));
		this.#saveClip.addEventListener("click", (event) => {
			if (!this.#choose()) event.preventDefault();
			else this.#save(event, range.span);
		});
		this.#saveWhole.addEventListener("click", (event) => this.#save(event, null));
		range.onChange(() => this.#show());
	}

	/** @param {string} id */
	#field(id) {
		return el("input", {
			type: "text", id, inputMode: "numeric", autocomplete: "off", spellcheck: false, size: 8, maxLength: 12, onchange: () => this.#choose(),
		});
	}

	#nodes() {
		/** @type {(words: import("../language.js").Key, act: () => void) => HTMLElement} */
		const action = (words, act) => el("button", { type: "button", class: "textbutton", onclick: act }, say(words));
		return [el("div", { class: "clip" },
			el("div", { class: "field" }, el("label", { htmlFor: "clipfrom" }, say("clip.from")), this.#from, action("clip.now", () => this.#take(this.#from))),
			el("div", { class: "field" }, el("label", { htmlFor: "clipto" }, say("clip.to")), this.#to, action("clip.now", () => this.#take(this.#to))),
			this.#error,
			el("div", { class: "actions" }, action("clip.play", () => this.#choose() && this.#range.play()), action("clip.link", () => this.#link())),
			el("div", { class: "field" }, el("label", { htmlFor: "clipformat" }, say("clip.format")), this.#format),
			this.#whoField, this.#note, this.#saved,
			el("div", { class: "actions" }, this.#saveClip, this.#saveWhole, action("clip.copyText", () => this.#copyText())))];
	}

	#show() {
		const { time: now, duration } = this.#player;
		const [from, to] = this.#range.span ?? [Math.floor(now), Math.min(Math.floor(now) + 60, duration)];
		this.#from.value = time(from);
		this.#to.value = time(to);
		this.#error.textContent = "";
		const { id } = this.#player.recording, format = this.#format.value, note = formats[format]?.[1];
		this.#showPeople(format === "opus");
		this.#saveClip.href = exportOf(id, format, this.#person, from, to);
		this.#saveWhole.href = exportOf(id, format, this.#person);
		this.#note.textContent = note ? say(note) : "";
	}

	/** The identity of whom the sound is saved of, "" for all. */
	get #person() {
		return this.#whoField.hidden ? "" : this.#who.value;
	}

	/** @param {boolean} asked whether one is to be chosen */
	#showPeople(asked) {
		const { tracks, people } = this.#player.recording;
		const list = asked ? people.filter(({ id }) => tracks.some((t) => t.participant === id && t.source === "microphone")) : [];
		const chosen = this.#who.value;
		this.#who.replaceChildren(...list.map(({ id, name }) => el("option", { value: id }, line(name || id, 60))));
		if (list.some(({ id }) => id === chosen)) this.#who.value = chosen;
		this.#whoField.hidden = list.length === 0;
	}

	/** @param {HTMLInputElement} field that gets the moment */
	#take(field) {
		field.value = time(this.#player.time);
		this.#choose();
	}

	/** choose takes the range of the fields, and returns whether it is one. */
	#choose() {
		const from = parseTime(this.#from.value), to = parseTime(this.#to.value), { duration } = this.#player;
		if (from === null || to === null || to <= from || from >= duration) {
			this.#error.textContent = say("clip.bad", { duration: time(duration) });
			return false;
		}
		const [a, b] = this.#range.span ?? [NaN, NaN];
		// The fields have whole seconds: what they show of a range is that range.
		if (time(a) !== time(from) || time(b) !== time(to)) this.#range.span = [from, Math.min(to, duration)];
		this.#error.textContent = "";
		return true;
	}

	async #link() {
		if (!this.#choose() || !this.#range.span) return;
		const [from, to] = this.#range.span.map((t) => Number(t.toFixed(3)));
		const link = `sealtape:${this.#player.recording.id}#t=${from},${to}`;
		if (await copy(link)) toast(say("share.copied", { link, command: `sealtape play '${link}'` }));
		else toast(say("share.link", { link }));
	}

	async #copyText() {
		if (await copy(transcript(this.#player.recording))) toast(say("clip.copied"));
		else toast(say("clip.notCopied"));
	}

	/**
	 * save has the page make the file where no server does.
	 * @param {Event} event
	 * @param {import("../../engine/spans.js").Span|null} span null for all of it
	 */
	async #save(event, span) {
		const { recording, saver } = this.#player, format = this.#format.value;
		if (format === "txt") {
			event.preventDefault();
			const day = recording.start?.toISOString().slice(0, 10) ?? recording.id;
			return save(`${day}.txt`, transcript(recording, span));
		}
		if (!saver) return;
		event.preventDefault();
		const [begin, end] = span ?? [0, 0];
		try {
			await saver({ format, begin, end, people: this.#person ? [this.#person] : [] }, (n) => this.#saved.textContent = say("clip.saving", { size: bytes(n) }));
			this.#saved.textContent = "";
		} catch {
			this.#saved.textContent = say("clip.failed");
		}
	}
}

/**
 * exportOf is where the server makes a file of a part, or of the whole.
 * @param {string} id
 * @param {string} format
 * @param {string} person whose sound, "" for all
 * @param {number} [from]
 * @param {number} [to]
 */
function exportOf(id, format, person, from = 0, to = 0) {
	const part = to > 0 ? `&from=${from.toFixed(3)}&to=${to.toFixed(3)}` : "";
	return `../api/recordings/${encodeURIComponent(id)}/export?format=${format}${person && `&participant=${encodeURIComponent(person)}`}${part}`;
}
