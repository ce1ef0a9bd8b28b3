// The player page: opens the recording that its address names, and holds its
// parts together.

import {HTTPSource} from "../engine/http_source.js";
import {Recording} from "../engine/recording.js";
import {Player} from "../engine/player.js";
import {el, relabel, announce, toast, stored, store} from "./dom.js";
import {icon, setIcon, fillIcons} from "./icons.js";
import {Badges, Popover} from "./badges.js";
import {Controls} from "./controls.js";
import {Keyboard} from "./keyboard.js";
import {Lanes} from "./lanes.js";
import {Panel} from "./panel.js";
import {stateAt} from "./scrubber.js";
import {Stage} from "./stage.js";
import {card} from "./person.js";
import {line, date, count} from "./text.js";

const $ = (id) => document.getElementById(id);
const LAYOUTS = {auto: ["auto", "Layout: automatic"], grid: ["grid", "Layout: grid"], speaker: ["speaker", "Layout: speaker"]};

// moment is the time that the address asks for, #t=754 or #t=12m34s; null for none.
export function moment(hash) {
	const m = /(?:^|[#&])t=(?:(\d+)h)?(?:(\d+)m)?(\d+(?:\.\d+)?)?s?(?:&|$)/.exec(hash);
	if (!m || !(m[1] || m[2] || m[3])) return null;
	return Number(m[1] ?? 0) * 3600 + Number(m[2] ?? 0) * 60 + Number(m[3] ?? 0);
}

// fail shows why there is nothing to see, and how to go on.
function fail(name, head, text, hint, again) {
	document.body.classList.remove("loading");
	document.body.classList.add("failed");
	$("title").textContent = head;
	$("subtitle").textContent = "";
	const box = $("message");
	box.hidden = false;
	box.replaceChildren(icon(name), el("h2", {id: "messagehead"}, head), el("p", {}, el("bdi", {}, line(text, 600))),
		hint ? el("p", {class: "quiet"}, hint) : null, el("div", {class: "actions"},
			again ? el("button", {type: "button", class: "textbutton primary", onclick: () => location.reload()}, "Try again") : null,
			el("a", {class: "textbutton", href: "../"}, "All recordings")));
}

async function main() {
	fillIcons();
	const id = decodeURIComponent(location.pathname.split("/").pop());
	const source = new HTTPSource();
	let recording;
	try {
		recording = new Recording(await source.recording(id));
	} catch (err) {
		const text = String(err?.message ?? err);
		switch (err?.kind) {
		case "locked": return fail("lock", "Locked", text, "One of its readers can grant you access with sealtape share.");
		case "failed": return fail("alert", "Failed verification", text, "This is not what was recorded, so none of it is played. sealtape verify says more.");
		case "gone": return fail("search", "No such recording", text, "It may have been pruned, or is in another store.");
		default: return fail("alert", "Cannot open this recording", text, "The store or the command does not answer at the moment.", true);
		}
	}
	const player = new Player({recording, source, at: moment(location.hash) ?? 0});
	open(player, recording);
	return {player, recording};
}

function open(player, recording) {
	document.body.classList.remove("loading");
	const popover = new Popover();
	const badges = new Badges($("badges"), popover);
	const theatre = $("theatre");

	let mode = stored("layout", "auto");
	if (!(mode in LAYOUTS)) mode = "auto";
	const stage = new Stage($("stage"), player, recording, {mode, menu: ({person, track, key}, anchor) => {
		const p = recording.person(person?.id);
		if (!p) return;
		popover.show(anchor, card(p, recording.howAt(p.id, player.time), player, {track, pinned: stage.pinned(key), pin: () => {
			popover.close();
			stage.pin(key);
		}}), "About this person");
	}});
	const shows = (name) => {
		const on = stored(name, "1") !== "1";
		store(name, on ? "1" : "0");
		document.body.classList.toggle(`no-${name}`, !on);
		return on;
	};
	for (const name of ["panel", "lanes"]) document.body.classList.toggle(`no-${name}`, stored(name, "1") !== "1");

	const controls = new Controls($("controls"), player, recording, theatre, {
		layout: () => {
			const all = Object.keys(LAYOUTS);
			mode = all[(all.indexOf(mode) + 1) % all.length];
			store("layout", mode);
			stage.mode = mode;
			return LAYOUTS[mode];
		},
		panel: () => shows("panel"),
		lanes: () => shows("lanes"),
	});
	setIcon($("layout"), LAYOUTS[mode][0]);
	relabel($("layout"), LAYOUTS[mode][1]);
	const lanes = new Lanes($("lanes"), player, recording);
	const panel = new Panel($("panel"), player, recording);
	new Keyboard(controls, player, recording, {step: (by) => panel.step(by)});
	const start = bigButton(controls);
	$("stage").append(start);
	$("stage").addEventListener("click", (event) => {
		if (!event.target.closest("button, .popover")) controls.toggle();
	});

	const head = () => {
		const name = line(recording.title || recording.room, 200) || `Recording ${recording.id}`;
		$("title").textContent = name;
		document.title = `${line(name, 80)} – Sealtape`;
		const parts = [recording.title && recording.room ? el("bdi", {}, line(recording.room, 80)) : null,
			date(recording.start), recording.people.length ? count(recording.people.length, "person", "people") : null].filter(Boolean);
		$("subtitle").replaceChildren(...parts.flatMap((p, i) => i ? [" · ", p] : [p]));
		badges.update(recording);
	};
	let wrong = "";
	const tick = () => {
		const bad = stateAt(recording, player.time);
		if (bad !== wrong && bad && !player.paused) announce(`${bad}. It goes on after that.`);
		wrong = bad;
		controls.tick();
		lanes.tick();
		panel.tick();
		stage.update();
	};
	const state = () => {
		controls.update();
		tick();
		start.hidden = started;
		theatre.classList.toggle("paused", player.paused);
		theatre.classList.toggle("stalled", player.waiting && !player.paused);
	};
	let started = false, waiting = 0;
	player.addEventListener("time", tick);
	player.addEventListener("state", () => {
		started ||= !player.paused;
		state();
		clearTimeout(waiting);
		if (player.waiting && !player.paused) waiting = setTimeout(() => announce("Loading"), 1500);
		if (player.paused) remember(player, recording);
	});
	player.addEventListener("tracks", () => stage.update());
	player.addEventListener("spans", () => {
		head();
		lanes.update();
		controls.scrubber.draw();
		stage.update();
	});
	player.addEventListener("update", () => {
		head();
		lanes.update();
		panel.update();
		controls.scrubber.draw();
		state();
	});
	player.addEventListener("error", (event) => toast(line(event.detail?.text, 300)));
	addEventListener("hashchange", () => {
		const t = moment(location.hash);
		if (t !== null && Math.abs(t - player.time) >= 1) player.seek(Math.min(t, recording.duration));
	});
	setInterval(() => {
		if (!player.paused) remember(player, recording);
	}, 5000);

	const t = moment(location.hash);
	if (t !== null) player.seek(Math.min(t, recording.duration));
	head();
	state();
	if (recording.epochs.length && !recording.epochs.some((e) => e.opens)) toast("None of your keys opens any of this recording");
}

// remember keeps the moment in the address, so that a reload or a bookmark comes
// back to it.
function remember(player) {
	const t = Math.floor(player.time);
	const hash = t > 0 ? `#t=${t}` : "";
	if (location.hash !== hash) history.replaceState(null, "", location.pathname + hash);
}

function bigButton(controls) {
	return el("button", {type: "button", class: "start", id: "start", "aria-label": "Play", onclick: (event) => {
		event.stopPropagation();
		controls.toggle();
	}}, icon("play"));
}

// opened is what the page plays, once it does; nothing if it cannot.
export const opened = main().catch((err) => fail("alert", "The page has failed", String(err?.message ?? err), "This is a fault of the player.", true));
