import assert from "node:assert/strict";
import test from "node:test";

const session = {
	handlers: new Map(),
	setActionHandler(action, handler) {
		if (action === "stop") throw new TypeError("not known here");
		this.handlers.set(action, handler);
	},
	setPositionState(state) { this.position = state; },
};
Object.defineProperty(globalThis, "navigator", { value: { mediaSession: session }, configurable: true });
globalThis.MediaMetadata = class {
	constructor(about) { Object.assign(this, about); }
};
const { MediaSession } = await import("../page/view/media_session.js");

/** A player as far as the system is told of it. */
function playerOf(title) {
	const over = new AbortController();
	return { recording: { title }, over: over.signal, on: () => {}, paused: false, waiting: false, duration: 60, time: 7, rate: 1, destroy: () => over.abort() };
}

const known = () => [session.metadata?.title, session.playbackState, session.position?.position, [...session.handlers.values()].filter(Boolean).length];

test("the system knows what plays, and nothing of what was left", () => {
	const first = playerOf("Weekly");
	new MediaSession(first);
	assert.deepEqual(known(), ["Weekly", "playing", 7, 5]);
	first.destroy();
	assert.deepEqual(known(), [undefined, "none", undefined, 0]);
	new MediaSession(playerOf("Monthly"));
	assert.deepEqual(known(), ["Monthly", "playing", 7, 5]);
});
