import { seekBy, seekTo } from "./controls/seek.js";
import { titleOf } from "./title.js";

/** How far the system's keys go, unless they say, in seconds. */
const step = 10;

/**
 * A MediaSession tells the system what plays, and where it is, and does what the
 * system's keys ask for: those of a keyboard, a headset or a locked screen. Once the player
 * is destroyed the system knows nothing of it any more.
 */
export class MediaSession {
	#player;
	#session = navigator.mediaSession;

	/** @param {import("../engine/player.js").Player} player */
	constructor(player) {
		this.#player = player;
		if (!this.#session) return;
		this.#listen();
		player.over.addEventListener("abort", () => {
			this.#session.metadata = null;
			this.#session.playbackState = "none";
			this.#session.setPositionState();
		});
		player.on(["state"], () => this.#updatePosition());
		player.on(["update"], () => this.#update());
		this.#update();
	}

	#listen() {
		const player = this.#player;
		/** @type {(action: MediaSessionAction, handler: MediaSessionActionHandler) => void} */
		const on = (action, handler) => {
			try {
				this.#session.setActionHandler(action, handler);
				player.over.addEventListener("abort", () => this.#session.setActionHandler(action, null));
			} catch {
				// an action that this browser does not know
			}
		};
		on("play", () => player.play());
		on("pause", () => player.pause());
		on("stop", () => player.pause());
		on("seekbackward", ({ seekOffset }) => seekBy(player, -(seekOffset || step)));
		on("seekforward", ({ seekOffset }) => seekBy(player, seekOffset || step));
		on("seekto", ({ seekTime }) => seekTo(player, seekTime ?? player.time));
	}

	#update() {
		const { recording } = this.#player;
		this.#session.metadata = new MediaMetadata({ title: titleOf(recording, 200), artist: "Sealtape" });
		this.#updatePosition();
	}

	#updatePosition() {
		const { paused, duration, time, rate, waiting } = this.#player;
		this.#session.playbackState = paused ? "paused" : "playing";
		// While it waits the clock stands: the system's would run on.
		if (duration > 0 && !(waiting && !paused)) {
			this.#session.setPositionState({ duration, position: Math.min(time, duration), playbackRate: rate });
		}
	}
}
