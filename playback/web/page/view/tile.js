import { closest, el } from "./dom.js";
import { icon } from "./icons.js";
import { parts, say } from "./language.js";
import { called, line } from "./text.js";
import { quiet } from "./terms.js";
import { describe, noticeOf, tileState, videoOf } from "./tile_state.js";
import { avatar, howBadge, nameNode, personNode } from "./words.js";

/** A tile narrower than this has less on it, in pixels. */
const tinyWidth = 170;

/** Fingers, which cannot point at a tile to see its buttons. */
const fingers = matchMedia("(hover: none)");

/** A Tile shows one person, or one shared screen. */
export class Tile {
	#player;
	#recording;
	#subject;
	#media = el("div", { class: "media" });
	#notice = el("div", { class: "notice", hidden: true });
	#mic = el("span", { class: "mic", hidden: true }, icon("micOff"));
	#soundText = el("span");
	#sound = el("span", { class: "sound", hidden: true }, icon("hole"), this.#soundText);
	#pin;
	/** @type {HTMLElement|null} */
	#how = null;
	/** @type {HTMLMediaElement|null} the picture that is mounted */
	#video = null;
	/** There was a picture since it was mounted. */
	#seen = false;
	/** What is shown, to change only what changes. */
	#shown = { state: "", label: "", rect: "" };

	/**
	 * @param {import("../engine/player.js").Player} player
	 * @param {import("./tile_state.js").Subject} subject
	 * @param {object} actions
	 * @param {() => void} actions.pin enlarges it, or lets it go
	 * @param {(anchor: HTMLElement) => void} actions.menu
	 */
	constructor(player, subject, { pin, menu }) {
		this.#player = player;
		this.#recording = player.recording;
		this.#subject = subject;
		const { key, id, uid } = subject;
		const person = this.#recording.person(id), track = uid === undefined ? undefined : this.#recording.track(uid);
		const name = person?.name || track?.name || track?.participant || "", label = person ? called(person, 60) : line(name, 60);
		const who = person ? personNode({ ...person, name }) : nameNode(name);
		const face = el("div", { class: "face" }, track ? icon("screen") : avatar(id, name));
		this.#pin = el("button", {
			type: "button", class: "iconbutton small", tabIndex: -1, "aria-hidden": "true", title: say("tile.enlarge"), onclick: pin,
		}, icon("pin"));
		const more = el("button", {
			type: "button", class: "iconbutton small", "aria-label": say(track ? "tile.options.screen" : "tile.options.of", { name: label }),
			"aria-haspopup": "dialog", title: say("tile.options"), onclick: () => menu(more),
		}, icon("more"));
		this.node = el("div", { class: "tile", role: "group", "data-key": key, "data-kind": track ? "screen" : "person" },
			this.#media, face, this.#notice,
			el("div", { class: "ring" }),
			el("div", { class: "namebar" }, this.#mic, el("span", { class: "nametext" }, track ? parts("tile.screen", { name: who }) : who), this.#sound),
			el("div", { class: "tools" }, this.#pin, more));
		this.node.addEventListener("click", (event) => {
			if (!fingers.matches || !this.node.classList.contains("tiny") || closest(event, "button")) return;
			event.stopPropagation(); // elsewhere on the stage a tap plays or pauses
			menu(more);
		});
	}

	/**
	 * place puts it on the stage.
	 * @param {import("./layout.js").Rect} rect
	 * @param {boolean} large
	 * @param {boolean} pinned
	 */
	place(rect, large, pinned) {
		this.#showPinned(pinned);
		const [left, top, width, height] = rect.map((n) => `${Math.max(0, n).toFixed(1)}px`);
		const shown = [left, top, width, height].join();
		if (this.#shown.rect === shown) return;
		if (this.#shown.rect === "") this.node.classList.add("fresh");
		this.#shown.rect = shown;
		const [, , w, h] = rect;
		Object.assign(this.node.style, { left, top, width, height });
		this.node.style.setProperty("--face", `${Math.max(30, Math.min(w, h) * 0.36).toFixed(0)}px`);
		this.node.classList.toggle("large", large);
		this.node.classList.toggle("tiny", w < tinyWidth);
	}

	/** @param {boolean} on */
	#showPinned(on) {
		if ((this.#pin.dataset.on === "true") === on) return;
		this.#pin.dataset.on = String(on);
		this.#pin.title = say(on ? "tile.restore" : "tile.enlarge");
	}

	remove() {
		this.#mount(null);
		this.node.remove();
	}

	/**
	 * update shows the state at t and returns the UID of the video it wants, if any.
	 * @param {number} t
	 * @param {Set<string>} speaking
	 */
	update(t, speaking) {
		const s = tileState(this.#player, this.#subject, t, speaking), video = videoOf(this.#recording, this.#subject, t);
		const word = s.picture.state, mounted = video && word !== "absent" && word !== "unsupported";
		this.#mount(mounted ? this.#player.element(video.uid) : null);
		// Until the first picture comes there are initials, not black; a picture
		// stays while the next one is looked for.
		this.#seen ||= (this.#video?.readyState ?? 0) >= HTMLMediaElement.HAVE_CURRENT_DATA;
		const pictured = this.#seen && (word === "playing" || word === "paused" || word === "waiting");
		const state = JSON.stringify([s, pictured]);
		if (state !== this.#shown.state) {
			this.#shown.state = state;
			this.node.dataset.state = word;
			this.node.classList.toggle("pictured", pictured);
			this.#show(s);
		}
		return video && word !== "unsupported" ? video.uid : null;
	}

	/** @param {import("./tile_state.js").TileState} s */
	#show(s) {
		this.node.classList.toggle("speaking", s.talks);
		this.#mic.hidden = !s.off;
		this.#sound.hidden = !s.hole;
		if (s.hole) this.#soundText.textContent = say("tile.noSound", { reason: s.hole });
		if (this.#how?.dataset.how !== s.how) {
			this.#how?.remove();
			this.#how = howBadge(s.how);
			this.#sound.before(this.#how);
		}
		const notice = noticeOf(s.picture);
		this.#notice.hidden = !notice;
		this.#notice.dataset.state = s.picture.state;
		this.#notice.dataset.quiet = String(s.picture.state === "hole" && quiet(s.picture.reason));
		if (notice) {
			const [name, words, text] = notice;
			this.#notice.replaceChildren(name ? icon(name) : el("span", { class: "spinner" }), el("strong", {}, words), el("span", {}, text));
			this.#notice.title = text;
		}
		const label = describe(this.#recording, this.#subject, s);
		if (label !== this.#shown.label) this.node.setAttribute("aria-label", this.#shown.label = label);
	}

	/** @param {HTMLMediaElement|null} video */
	#mount(video) {
		if (this.#video === video) return;
		this.#video = video;
		this.#seen = false;
		this.#media.replaceChildren();
		if (!video) return;
		video.setAttribute("aria-hidden", "true");
		this.#media.append(video);
	}
}
