// A tile: one person, or one shared screen.

import {el, nameNode, avatar, howBadge} from "./dom.js";
import {icon} from "./icons.js";
import {line, gap, codec, identified} from "./text.js";
import {within} from "../engine/spans.js";

// states of a picture: icon, words, explanation. Those not here need no words.
const NOTICES = {
	hole: (s) => ["hole", capital(gap(s.reason).label), gap(s.reason).text],
	locked: () => ["lock", "Locked", "No key of yours opens this part."],
	failed: () => ["alert", "Failed verification", "This part is not what was recorded, so it is not played."],
	unsupported: (s) => ["film", `No ${codec(s.codec)} here`, `This browser cannot play ${codec(s.codec)}. Sound and the other pictures go on.`],
	waiting: () => ["", "Loading…", ""],
};

const capital = (s) => s.charAt(0).toLocaleUpperCase() + s.slice(1);

export class Tile {
	#player; #recording; #uid; #id; #how = null; #media; #notice; #face; #mic; #sound; #pin; #video = null; #seen = false; #state = ""; #label = ""; #rect = "";

	constructor(key, player, recording, stage, {person, track, menu}) {
		this.#player = player;
		this.#recording = recording;
		this.#id = person?.id;
		this.#uid = track?.uid;
		const name = person?.name || track?.name || track?.participant || "";
		const title = track ? "Screen of " : "";
		this.#media = el("div", {class: "media"});
		this.#face = track ? el("div", {class: "face"}, icon("screen")) : el("div", {class: "face"}, avatar(person?.id, name));
		this.#notice = el("div", {class: "notice", hidden: true});
		this.#mic = el("span", {class: "mic", hidden: true}, icon("micOff"));
		this.#sound = el("span", {class: "sound", hidden: true}, icon("hole"), el("span"));
		this.#pin = el("button", {type: "button", class: "iconbutton small", tabIndex: -1, "aria-hidden": "true", title: "Enlarge", onclick: () => stage.pin(key)}, icon("pin"));
		const more = el("button", {
			type: "button", class: "iconbutton small", "aria-label": `Options for ${title.toLowerCase()}${line(name, 60)}`, "aria-haspopup": "dialog", title: "Options",
			onclick: () => menu({person, track, key}, more),
		}, icon("more"));
		this.node = el("div", {class: "tile", role: "group", "data-key": key, "data-kind": track ? "screen" : "person"},
			this.#media, this.#face, this.#notice,
			el("div", {class: "ring"}),
			el("div", {class: "namebar"}, this.#mic, el("span", {class: "nametext"}, title, nameNode(name)), this.#sound),
			el("div", {class: "tools"}, this.#pin, more));
	}

	// The recording may grow: what is known of person and track is looked up.
	get #person() {
		return this.#recording.person(this.#id);
	}
	get #track() {
		return this.#uid ? this.#recording.track(this.#uid) : null;
	}

	place([x, y, w, h], large, pinned) {
		const rect = [x, y, w, h].map((n) => `${Math.max(0, n).toFixed(1)}px`);
		if (this.#rect === rect.join()) {
			this.#pinned(pinned);
			return;
		}
		const fresh = this.#rect === "";
		this.#rect = rect.join();
		const style = this.node.style;
		[style.left, style.top, style.width, style.height] = rect;
		this.node.style.setProperty("--face", `${Math.max(30, Math.min(w, h) * 0.36).toFixed(0)}px`);
		this.node.classList.toggle("large", large);
		this.node.classList.toggle("tiny", w < 170);
		this.#pinned(pinned);
		if (fresh) this.node.classList.add("fresh");
	}

	#pinned(on) {
		if ((this.#pin.dataset.on === "true") === on) return;
		this.#pin.dataset.on = String(on);
		this.#pin.title = on ? "Back in its place" : "Enlarge";
	}

	remove() {
		this.#mount(null);
		this.node.remove();
	}

	// update shows the state at t and returns the UID of the video it wants.
	update(t, speaking) {
		const video = this.#track ?? this.#camera(t);
		const s = video ? this.#player.state(video.uid) : {state: "absent"};
		this.#mount(video && !["absent", "unsupported"].includes(s.state) ? video.uid : null);
		// Until the first picture comes there are initials, not black; a picture
		// stays while the next one is looked for.
		this.#seen ||= this.#media.firstChild?.readyState >= 2;
		const picture = this.#seen && ["playing", "paused", "waiting"].includes(s.state);
		const off = !this.#track && this.#silent(t);
		const hole = this.#soundHole(t);
		const talks = !this.#track && speaking.has(this.#person?.id);
		const how = this.#recording.howAt(this.#id, t);
		const state = [how, s.state, s.reason, s.codec, picture, off, talks, hole].join("|");
		if (state !== this.#state) {
			this.#state = state;
			this.node.dataset.state = s.state;
			this.node.classList.toggle("pictured", Boolean(picture));
			this.node.classList.toggle("speaking", talks);
			this.#mic.hidden = !off;
			this.#sound.hidden = !hole;
			if (hole) this.#sound.lastChild.textContent = "No sound: " + hole;
			this.#tell(s, off, talks, hole, how);
		}
		return video && s.state !== "unsupported" ? video.uid : null;
	}

	// camera is the person's picture at t, if there is one.
	#camera(t) {
		let found = null;
		for (const k of this.#person?.tracks ?? []) {
			if (k.kind !== "video" || k.source === "screen" || !within(k.life, t)) continue;
			found = k;
			if (!within(k.muted, t)) return k;
		}
		return found;
	}

	// silent reports that the microphone is off, or that there is none.
	#silent(t) {
		return !(this.#person?.tracks ?? []).some((k) => k.source === "microphone" && within(k.life, t) && !within(k.muted, t));
	}

	// soundHole is why there is no sound, where that is not by the member's will.
	#soundHole(t) {
		for (const k of this.#person?.tracks ?? []) {
			if (k.source !== (this.#track ? "screen-audio" : "microphone")) continue;
			const s = this.#player.state(k.uid);
			if (s.state === "hole") return gap(s.reason).label;
			if (s.state === "unsupported") return codec(s.codec);
		}
		return "";
	}

	#tell(s, off, talks, hole, how) {
		if (this.#how?.dataset.how !== how) {
			this.#how?.remove();
			this.#how = howBadge(how);
			this.#sound.before(this.#how);
		}
		const notice = NOTICES[s.state]?.(s);
		this.#notice.hidden = !notice;
		this.#notice.dataset.state = s.state;
		if (notice) {
			const [name, words, text] = notice;
			this.#notice.replaceChildren(name ? icon(name) : el("span", {class: "spinner"}), el("strong", {}, words), el("span", {}, text));
			this.#notice.title = text;
		}
		const name = line(this.#person?.name || this.#track?.name || this.#track?.participant, 60) || "someone";
		const parts = [this.#track ? `Screen of ${name}` : name];
		if (this.#person && !this.#track) parts.push(identified(how).label.toLowerCase());
		if (this.#person?.tracks.some((k) => k.plain)) parts.push("without end-to-end encryption");
		if (talks) parts.push("speaking");
		if (off) parts.push("microphone off");
		if (notice) parts.push(notice[1]);
		else if (s.state === "muted" || s.state === "absent") parts.push("camera off");
		if (hole) parts.push("no sound: " + hole);
		const label = parts.join(", ");
		if (label !== this.#label) this.node.setAttribute("aria-label", this.#label = label);
	}

	#mount(uid) {
		if (this.#video === uid) return;
		this.#video = uid;
		this.#seen = false;
		this.#media.replaceChildren();
		if (!uid) return;
		const video = this.#player.element(uid);
		if (!video) return;
		video.setAttribute("aria-hidden", "true");
		video.tabIndex = -1;
		video.disablePictureInPicture = true;
		this.#media.append(video);
	}
}
