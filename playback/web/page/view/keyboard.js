// Keys, as the common players have them, and the dialog that lists them.

import {el, button, stored, store, announce} from "./dom.js";

// keys is the table of what each key does, in the order of the dialog:
// [keys as shown, what it does, keys as the browser names them, action].
function table(controls, player, recording, actions) {
	const frame = (by) => () => {
		player.pause();
		player.seek(Math.max(0, player.time + by / 25));
	};
	return [
		[["Space", "K"], "Play or pause", [" ", "k"], () => controls.toggle()],
		[["J", "L"], "Back or on by 10 seconds", ["j", "l"], (key) => controls.by(key === "j" ? -10 : 10)],
		[["←", "→"], "Back or on by 5 seconds", ["ArrowLeft", "ArrowRight"], (key) => controls.by(key === "ArrowLeft" ? -5 : 5)],
		[[",", "."], "One frame back or on, paused", [",", "."], (key) => frame(key === "," ? -1 : 1)()],
		[["0", "–", "9"], "To 0 % … 90 %", ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], (key) => controls.seek(recording.duration * key / 10)],
		[["Home", "End"], "To the beginning or the end", ["Home", "End"], (key) => controls.seek(key === "Home" ? 0 : recording.duration)],
		[["[", "]"], "To the line before or after, in chat and events", ["[", "]"], (key) => actions.step(key === "[" ? -1 : 1)],
		[["↑", "↓"], "Louder or quieter", ["ArrowUp", "ArrowDown"], (key) => controls.louder(key === "ArrowUp" ? 0.05 : -0.05)],
		[["M"], "Mute", ["m"], () => controls.mute()],
		[["<", ">"], "Slower or faster", ["<", ">"], (key) => controls.faster(key === "<" ? -1 : 1)],
		[["S"], "Skip silence", ["s"], () => controls.skipSilence()],
		[["F"], "Full screen", ["f"], () => controls.fullscreen()],
		[["G"], "Grid, speaker or automatic layout", ["g"], () => document.getElementById("layout").click()],
		[["C"], "Chat, events and people", ["c"], () => document.getElementById("panelbutton").click()],
		[["T"], "Timeline", ["t"], () => document.getElementById("lanesbutton").click()],
		[["?"], "This help", ["?"], () => actions.help()],
	];
}

// A control that has the keyboard uses these itself.
function taken(target, key) {
	if (!(target instanceof Element)) return false;
	if (target.closest("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]")) return true;
	if (target.closest("input[type=range]")) return /^(Arrow|Home|End|Page)/.test(key);
	if (target.closest("button, a, summary, input, [role=tab]") && (key === " " || key === "Enter")) return true;
	if (target.closest(".lanelist") && /^(ArrowUp|ArrowDown)$/.test(key)) return true;
	return Boolean(target.closest("[data-keys]")) && /^(Arrow|Home|End)/.test(key);
}

export class Keyboard {
	#dialog; #on; #was = null;

	constructor(controls, player, recording, actions) {
		this.#on = stored("keys", "1") === "1";
		const rows = table(controls, player, recording, {...actions, help: () => this.show()});
		const byKey = new Map(rows.flatMap(([, , keys, action]) => keys.map((key) => [key, action])));
		const help = document.getElementById("helpbutton");
		help.addEventListener("click", () => this.show());
		this.#dialog = this.#make(rows);
		document.body.append(this.#dialog);
		document.addEventListener("keydown", (event) => {
			if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
			if (this.#dialog.open || document.querySelector("dialog[open]")) return;
			const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
			const action = byKey.get(key);
			if (!action || taken(event.target, event.key)) return;
			// One can turn off keys that are letters and signs: they get in the way of
			// speech input and of some assistive technology.
			if (!this.#on && event.key.length === 1 && key !== " " && key !== "?") return;
			event.preventDefault();
			action(key);
		});
	}

	show() {
		if (this.#dialog.open) return;
		this.#was = document.activeElement;
		this.#dialog.showModal();
	}

	#make(rows) {
		const toggle = el("input", {type: "checkbox", checked: this.#on, onchange: () => {
			this.#on = toggle.checked;
			store("keys", this.#on ? "1" : "0");
			announce(this.#on ? "Letter keys are on" : "Letter keys are off");
		}});
		const dialog = el("dialog", {class: "help", id: "help", "aria-labelledby": "helptitle"},
			el("div", {class: "head"}, el("h2", {id: "helptitle"}, "Keyboard"),
				button("close", "Close", () => dialog.close())),
			el("table", {}, el("thead", {class: "offscreen"}, el("tr", {}, el("th", {scope: "col"}, "Keys"), el("th", {scope: "col"}, "What they do"))),
				el("tbody", {}, rows.map(([keys, words]) => el("tr", {},
					el("td", {}, keys.map((k) => k === "–" ? el("span", {}, "–") : el("kbd", {}, k))), el("td", {}, words))))),
			el("label", {class: "check"}, toggle, "Keys of letters and signs are on"));
		dialog.addEventListener("click", (event) => {
			if (event.target === dialog) dialog.close();
		});
		dialog.addEventListener("close", () => this.#was?.focus?.());
		return dialog;
	}
}
