import * as spans from "./spans.js";

/** @typedef {import("./description.js").MediaSourceName} MediaSourceName */

/**
 * @typedef {object} Track
 * @property {string} uid
 * @property {string} participant
 * @property {string} name
 * @property {MediaSourceName} source
 * @property {"audio"|"video"} kind
 * @property {string} codec
 * @property {string} mime
 * @property {number} width
 * @property {number} height
 * @property {number} channels
 * @property {number} turned by how many degrees clockwise its pictures are turned by who shows them
 * @property {boolean} plain it came without end-to-end encryption
 * @property {spans.Span[]} life when it was published
 * @property {spans.Span[]} muted
 *
 * @typedef {object} Known what tracks are made from
 * @property {import("./segments.js").Segments} segments
 * @property {import("./marks.js").Marks} marks
 * @property {number} duration
 */

/** Segments of a track that are no further apart than this, in seconds, are one span. */
const joinWithin = 0.5;

/** Within this distance of a span of the timeline, in seconds, segments add nothing to it. */
const toldWithin = 5;

/**
 * tracksOf makes the tracks of a recording from its segments and events. Pure.
 * @param {import("./description.js").TrackEntry[]} list
 * @param {Known} known
 * @returns {Track[]}
 */
export function tracksOf(list, known) {
	const seen = sightings(known.segments.list);
	return list.map((t) => {
		const uid = String(t.uid), marks = known.marks.tracks.get(uid), held = seen.get(uid) || [];
		const told = marks ? spans.lasting(marks.life, 0, lastKnown(marks.life, held, known)) : [];
		const life = lifeOf(told, held);
		return {
			uid, participant: t.participant || "", name: t.name || "", source: t.source || "unknown",
			kind: (t.mime || "").startsWith("audio/") || t.codec === "opus" ? "audio" : "video",
			codec: t.codec, mime: t.mime || "", width: t.width || 0, height: t.height || 0, channels: t.channels || 0, turned: t.turned || 0,
			plain: !!marks?.plain, life,
			muted: spans.intersect(marks ? spans.lasting(marks.muted, 0, known.duration) : [], life),
		};
	});
}

/**
 * sightings returns, by UID, the spans of the segments that have frames of a track.
 * @param {import("./segments.js").Segment[]} segments
 */
function sightings(segments) {
	/** @type {Map<string, spans.Span[]>} */
	const seen = new Map();
	for (const s of segments) {
		for (const uid of s.tracks.keys()) {
			const held = seen.get(uid), last = held?.[held.length - 1];
			if (!held || !last) seen.set(uid, [[s.from, s.to]]);
			else if (s.from <= last[1] + joinWithin) last[1] = s.to;
			else held.push([s.from, s.to]);
		}
	}
	return seen;
}

/**
 * lifeOf returns when a track was published. The timeline is exact to the millisecond,
 * segments only to their length. But of locked spans there may be no timeline.
 * @param {spans.Span[]} told spans by the timeline
 * @param {spans.Span[]} held spans by the segments
 */
function lifeOf(told, held) {
	if (told.length === 0) return held;
	const untold = held.filter(([a, b]) => !spans.intersect(told, [[a - toldWithin, b + toldWithin]]).length);
	return spans.merge(told.concat(untold));
}

/**
 * lastKnown returns when a track ended at the earliest, if the part of the timeline that
 * has its end cannot be read. Otherwise it returns the recording's duration.
 * @param {[number, boolean][]} life
 * @param {spans.Span[]} held
 * @param {Known} known
 */
function lastKnown(life, held, { segments, duration }) {
	const last = held.length ? held[held.length - 1][1] : 0;
	const since = Math.max(last, life.length ? life[life.length - 1][0] : 0);
	return segments.locked.concat(segments.failed).some(([, b]) => b > since) ? since : duration;
}
