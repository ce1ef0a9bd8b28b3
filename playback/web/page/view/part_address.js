import { toast } from "./announce.js";
import { say } from "./language.js";

/** What this tab keeps for the page of the next part: its ID. */
const key = "sealtape.goesOn";

/**
 * A NextPart goes on with the next recording of the same meeting when one was played to its
 * end, if there is one: a recorder died, and another went on.
 */
export class NextPart {
	#source;
	#id;
	#gone = false;

	/**
	 * @param {import("../engine/player.js").Player} player
	 * @param {import("../engine/http_source.js").HTTPSource} source
	 * @param {string} id of what is played
	 */
	constructor(player, source, id) {
		this.#source = source;
		this.#id = id;
		if (take() === id) player.play();
		player.on(["state"], () => {
			if (player.ended && !player.live && !this.#gone) {
				this.#gone = true;
				this.#go().catch(() => {}); // then this was the end
			}
		});
	}

	async #go() {
		const list = await this.#source.recordings();
		const next = nextPart(list, this.#id);
		if (!next) return;
		toast(say("part.next"));
		leave(next);
		location.assign(encodeURIComponent(next));
	}
}

/** @param {string} id of what the next page of this tab is to play by itself */
function leave(id) {
	try {
		sessionStorage.setItem(key, id);
	} catch {
		// then it waits for a click
	}
}

/** take returns what the last page left. */
function take() {
	try {
		const id = sessionStorage.getItem(key);
		sessionStorage.removeItem(key);
		return id;
	} catch {
		return null;
	}
}

/**
 * nextPart returns the ID of the recording that goes on with a meeting, "" if none does that
 * opens.
 * @param {import("../engine/description.js").Entry[]} list
 * @param {string} id
 */
export function nextPart(list, id) {
	const parts = list.find((r) => r.id === id)?.parts ?? [];
	const rest = parts.slice(parts.indexOf(id) + 1);
	return rest.find((part) => list.some((r) => r.id === part && r.access !== "none")) ?? "";
}
