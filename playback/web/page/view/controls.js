// The controls: the buttons below the bar to seek on, and what they do.

import {el, button, relabel, announce, toast, store, stored, copy} from "./dom.js";
import {setIcon} from "./icons.js";
import {Scrubber, stateAt} from "./scrubber.js";
import {time, spokenTime, line} from "./text.js";

export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

export class Controls {
	#player; #recording; #play; #mute; #volume; #now; #all; #rate; #skip; #live; #full; #wait; #theatre; #idle = 0;

	// actions: layout(), panel(), lanes() turn parts of the page; each returns the
	// words for what it did.
	constructor(root, player, recording, theatre, actions) {
		this.#player = player;
		this.#recording = recording;
		this.#theatre = theatre;
		this.scrubber = new Scrubber(player, recording);
		this.#play = button("play", "Play", () => this.toggle(), {id: "play", class: "iconbutton big", "aria-keyshortcuts": "k Space"});
		this.#mute = button("volume", "Mute", () => this.mute(), {id: "mute", "aria-keyshortcuts": "m"});
		this.#volume = el("input", {type: "range", min: 0, max: 100, step: 1, id: "volume", "aria-label": "Volume", oninput: () => this.volume(this.#volume.value / 100)});
		this.#now = el("span", {class: "now"});
		this.#all = el("span", {class: "all"});
		this.#wait = el("span", {class: "waiting", hidden: true}, el("span", {class: "spinner"}), el("span", {}, "Loading"));
		this.#live = el("button", {type: "button", class: "golive", id: "golive", hidden: true, onclick: () => this.goLive()}, el("span", {class: "dot"}), el("span", {}, "Go to live"));
		this.#skip = button("skip", "Skip silence", () => this.skipSilence(), {id: "skip", "aria-pressed": "false", "aria-keyshortcuts": "s"});
		this.#rate = el("select", {id: "rate", "aria-label": "Speed", title: "Speed", onchange: () => this.rate(Number(this.#rate.value))},
			RATES.map((r) => el("option", {value: r}, `${r}×`)));
		const layout = button("auto", "Layout", () => {
			const [name, words] = actions.layout();
			setIcon(layout, name);
			relabel(layout, words);
			toast(words);
		}, {id: "layout", "aria-keyshortcuts": "g"});
		const side = button("panel", "Chat, events and people", () => side.setAttribute("aria-pressed", String(actions.panel())),
			{id: "panelbutton", "aria-pressed": String(stored("panel", "1") === "1"), "aria-controls": "panel", "aria-keyshortcuts": "c"});
		const lanes = button("lanes", "Timeline", () => lanes.setAttribute("aria-pressed", String(actions.lanes())),
			{id: "lanesbutton", "aria-pressed": String(stored("lanes", "1") === "1"), "aria-controls": "lanes", "aria-keyshortcuts": "t"});
		this.#full = button("full", "Full screen", () => this.fullscreen(), {id: "full", "aria-keyshortcuts": "f"});
		root.append(this.scrubber.node, el("div", {class: "buttons"},
			this.#play,
			button("back", "Back 10 seconds", () => this.by(-10), {class: "iconbutton wide", "aria-keyshortcuts": "j"}),
			el("div", {class: "volume"}, this.#mute, this.#volume),
			el("div", {class: "clock"}, this.#now, el("span", {class: "slash"}, "/"), this.#all),
			this.#live, this.#wait,
			el("div", {class: "space"}),
			this.#skip, this.#rate,
			button("link", "Copy a link to this moment", () => this.share(), {id: "share"}),
			layout, lanes, side, this.#full));
		this.#restore();
		this.#listen();
		this.update();
	}

	#restore() {
		const player = this.#player;
		const v = Number(stored("volume", "1")), r = Number(stored("rate", "1"));
		player.volume = v >= 0 && v <= 1 ? v : 1;
		player.rate = RATES.includes(r) ? r : 1;
	}

	#listen() {
		document.addEventListener("fullscreenchange", () => {
			const on = Boolean(document.fullscreenElement);
			setIcon(this.#full, on ? "unfull" : "full");
			relabel(this.#full, on ? "Leave full screen" : "Full screen");
			this.#awake();
		});
		// Who clicks a button does not mean to have Space press it again.
		this.#theatre.addEventListener("click", (event) => {
			if (event.detail > 0) event.target.closest("#controls button, .start, .pager button")?.blur();
		});
		for (const type of ["pointermove", "pointerdown", "keydown", "focusin"]) {
			this.#theatre.addEventListener(type, () => this.#awake());
		}
	}

	// In full screen the controls leave after a while, unless the keyboard is in
	// them.
	#awake() {
		this.#theatre.classList.remove("idle");
		clearTimeout(this.#idle);
		if (!document.fullscreenElement) return;
		this.#idle = setTimeout(() => {
			if (!this.#player.paused && !this.#theatre.querySelector("#controls :focus-visible")) this.#theatre.classList.add("idle");
		}, 3000);
	}

	// tick shows the time, update everything else.
	tick() {
		this.#now.textContent = time(this.#player.time);
		this.scrubber.tick();
		this.#showLive();
	}

	update() {
		const p = this.#player;
		const ended = p.ended && p.paused;
		setIcon(this.#play, ended ? "replay" : p.paused ? "play" : "pause");
		relabel(this.#play, ended ? "Play again" : p.paused ? "Play" : "Pause");
		setIcon(this.#mute, p.muted || p.volume === 0 ? "silent" : p.volume < 0.5 ? "quiet" : "volume");
		relabel(this.#mute, p.muted ? "Unmute" : "Mute");
		this.#volume.value = p.muted ? 0 : Math.round(p.volume * 100);
		this.#volume.setAttribute("aria-valuetext", p.muted ? "muted" : `${Math.round(p.volume * 100)} percent`);
		this.#volume.style.setProperty("--part", `${this.#volume.value}%`);
		this.#rate.value = String(p.rate);
		this.#skip.setAttribute("aria-pressed", String(Boolean(p.skipSilence)));
		this.#wait.hidden = !p.waiting;
		this.#wait.lastChild.textContent = line(p.trouble, 120) || "Loading";
		this.#all.textContent = time(this.#recording.duration);
		this.tick();
	}

	#showLive() {
		const open = this.#recording.state === "open";
		this.#live.hidden = !open;
		if (!open) return;
		const at = this.#player.atLive();
		this.#live.classList.toggle("on", at);
		this.#live.lastChild.textContent = at ? "Live" : "Go to live";
	}

	toggle() {
		const p = this.#player;
		if (p.paused) {
			if (p.ended) p.seek(0);
			Promise.resolve(p.play()).catch(() => {});
			announce("Playing");
		} else {
			p.pause();
			announce(`Paused at ${spokenTime(p.time)}`);
		}
	}

	by(seconds) {
		this.seek(this.#player.time + seconds);
	}

	seek(t) {
		t = Math.min(this.#recording.duration, Math.max(0, t));
		this.#player.seek(t);
		const state = stateAt(this.#recording, t);
		announce(`${spokenTime(t)}${state ? ", " + state.toLowerCase() : ""}`);
	}

	// volume is of the whole recording, 0 to 1; setting it ends a mute.
	volume(v) {
		const p = this.#player;
		v = Math.min(1, Math.max(0, Math.round(v * 100) / 100));
		p.volume = v;
		if (p.muted && v > 0) p.muted = false;
		store("volume", String(v));
		this.update();
	}
	louder(by) {
		this.volume((this.#player.muted ? 0 : this.#player.volume) + by);
		announce(`Volume ${Math.round(this.#player.volume * 100)} percent`);
	}

	mute() {
		this.#player.muted = !this.#player.muted;
		announce(this.#player.muted ? "Muted" : "Sound on");
		this.update();
	}

	rate(r) {
		this.#player.rate = r;
		store("rate", String(r));
		announce(`Speed ${r}`);
		this.update();
	}
	faster(by) {
		const i = RATES.indexOf(this.#player.rate);
		const r = RATES[Math.min(RATES.length - 1, Math.max(0, (i < 0 ? 2 : i) + by))];
		this.rate(r);
		toast(`Speed ${r}×`);
	}

	skipSilence() {
		this.#player.skipSilence = !this.#player.skipSilence;
		toast(this.#player.skipSilence ? "Silence is skipped" : "Silence is played");
		this.update();
	}

	goLive() {
		this.#player.goLive();
		announce("Live");
		this.update();
	}

	async fullscreen() {
		try {
			if (document.fullscreenElement) await document.exitFullscreen();
			else await this.#theatre.requestFullscreen();
		} catch {
			toast("This browser does not allow full screen here");
		}
	}

	// share copies a link to this moment. It holds no secret: whoever opens it
	// needs a key and the store.
	async share() {
		const t = Math.floor(this.#player.time);
		const link = `sealtape:${this.#recording.id}${t ? `#t=${t}` : ""}`;
		if (await copy(link)) toast(`Copied ${link} – it opens with: sealtape play '${link}'`);
		else toast(`The link is ${link}`);
	}
}
