import { turnFrom, turnsOf } from "../engine/turns.js";
import { announce, toast } from "./announce.js";
import { button, el } from "./dom.js";
import { say } from "./language.js";
import { called, spokenTime } from "./text.js";

/** @typedef {import("../engine/player.js").Player} Player */
/** @typedef {import("../engine/people.js").Person} Person */

/**
 * toTurn goes to where somebody began to speak, and says who.
 * @param {Player} player
 * @param {number} by less than 0 for the turn before, else the next one
 * @param {Person} [person] whose; none for anybody's
 */
export function toTurn(player, by, person) {
	const { recording } = player, people = person ? recording.people.filter((p) => p.id === person.id) : recording.people;
	const turn = turnFrom(turnsOf(people), player.time, by);
	if (!turn) return toast(say(by < 0 ? "turn.none.before" : "turn.none.after"));
	player.seek(turn.t);
	announce(say("turn.at", { name: called(turn.person, 60), time: spokenTime(turn.t) }));
}

/**
 * turnButtons go from turn to turn of one person.
 * @param {Person} person
 * @param {Player} player
 */
export function turnButtons(person, player) {
	if (person.speaking.length === 0) return "";
	const name = called(person, 60);
	return el("div", { class: "turns" },
		button("turnBefore", say("turn.before.of", { name }), () => toTurn(player, -1, person), { class: "iconbutton small" }),
		el("span", { class: "quiet" }, say("turns")),
		button("turnAfter", say("turn.after.of", { name }), () => toTurn(player, 1, person), { class: "iconbutton small" }));
}
