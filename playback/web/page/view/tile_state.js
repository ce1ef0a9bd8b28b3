import { within } from "../engine/spans.js";
import { locale, say } from "./language.js";
import { codec, absence, identified } from "./terms.js";
import { called, line } from "./text.js";

/**
 * @typedef {object} Subject whom or what a tile shows
 * @property {string} key
 * @property {string|undefined} id the person's
 * @property {string|undefined} uid of a screen's track; none for a person's tile
 *
 * @typedef {object} TileState what a tile shows at a moment, without its picture
 * @property {import("../engine/people.js").How} how
 * @property {import("../engine/state.js").State} picture
 * @property {boolean} off the microphone is off, or there is none
 * @property {boolean} talks
 * @property {string} hole why there is no sound, where that is not by the member's will
 *
 * @typedef {[icon: string, words: string, text: string]} Notice what is said in place of a picture
 */

/** @type {Partial<Record<import("../engine/state.js").StateWord, (s: import("../engine/state.js").State) => Notice>>} */
const notices = {
	hole: (s) => ["hole", capital(absence(s.reason).label), absence(s.reason).text],
	locked: () => ["lock", say("tile.locked"), say("tile.locked.text")],
	failed: () => ["alert", say("tile.failed"), say("tile.failed.text")],
	unsupported: (s) => [
		"film", say("tile.unsupported", { codec: codec(s.codec) }), say("tile.unsupported.text", { codec: codec(s.codec) }),
	],
	waiting: () => ["", say("loading.picture"), ""],
};

/** @param {string} s */
function capital(s) {
	return s.charAt(0).toLocaleUpperCase(locale) + s.slice(1);
}

/**
 * noticeOf is what is said in place of a picture, null where that needs no words.
 * @param {import("../engine/state.js").State} s
 */
export function noticeOf(s) {
	return notices[s.state]?.(s) ?? null;
}

/**
 * videoOf is the track whose picture a tile shows at t, if there is one.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {Subject} subject
 * @param {number} t
 */
export function videoOf(recording, { id, uid }, t) {
	if (uid !== undefined) return recording.track(uid);
	const cameras = recording.person(id)?.tracks.filter((k) => k.kind === "video" && k.source !== "screen" && within(k.life, t)) ?? [];
	return cameras.find((k) => !within(k.muted, t)) ?? cameras.at(-1);
}

/**
 * tileState is what a tile shows at t.
 * @param {import("../engine/player.js").Player} player
 * @param {Subject} subject
 * @param {number} t
 * @param {Set<string>} speaking
 * @returns {TileState}
 */
export function tileState(player, subject, t, speaking) {
	const { recording } = player, { id, uid } = subject, screen = uid !== undefined;
	const tracks = recording.person(id)?.tracks ?? [], video = videoOf(recording, subject, t);
	return {
		how: recording.howAt(id, t),
		picture: video ? player.state(video.uid) : { state: "absent", reason: "", codec: "" },
		off: !screen && !tracks.some((k) => k.source === "microphone" && within(k.life, t) && !within(k.muted, t)),
		talks: !screen && id !== undefined && speaking.has(id),
		hole: soundHole(player, tracks.filter((k) => k.source === (screen ? "screen-audio" : "microphone"))),
	};
}

/**
 * @param {import("../engine/player.js").Player} player
 * @param {import("../engine/tracks_of.js").Track[]} sounds
 */
function soundHole(player, sounds) {
	for (const k of sounds) {
		const s = player.state(k.uid);
		if (s.state === "hole") return absence(s.reason).label;
		if (s.state === "unsupported") return codec(s.codec);
	}
	return "";
}

/**
 * describe is a tile in words, for who does not see it.
 * @param {import("../engine/recording.js").Recording} recording
 * @param {Subject} subject
 * @param {TileState} s
 */
export function describe(recording, { id, uid }, s) {
	const person = recording.person(id), track = uid === undefined ? undefined : recording.track(uid);
	const name = (person ? called(person, 60) : line(track?.name || track?.participant, 60)) || say("someone");
	const parts = [track ? say("tile.screen", { name }) : name];
	if (person && !track) parts.push(identified(s.how).label);
	if (person?.tracks.some((k) => k.plain)) parts.push(say("tile.plain"));
	if (s.talks) parts.push(say("tile.speaking"));
	if (s.off) parts.push(say("tile.micOff"));
	const notice = noticeOf(s.picture);
	if (notice) parts.push(notice[1]);
	else if (s.picture.state === "muted" || s.picture.state === "absent") parts.push(say("tile.cameraOff"));
	if (s.hole) parts.push(say("tile.noSound", { reason: s.hole }));
	return parts.join(", ");
}
