import { Drawer, Identity, Pins, Shelf, Verifier, fingerprint } from "./keys_web.js";
import { keepsKeys } from "./place.js";

/**
 * @typedef {object} Signer whose signature may count
 * @property {string} key verifier key
 * @property {string} who the name on the card that is pinned here; "" without one
 * @property {boolean} revoked
 *
 * @typedef {object} Trusted whom this browser trusts, as the program that decrypts is told
 * @property {Signer[]} recorders whose recordings are played
 * @property {Signer[]} granters whose grants count besides
 * @property {Signer[]} revoked
 * @property {string[]} self the verifier keys of the reader's own cards
 * @property {{ name: string, words: string }|null} claimed the recorder that only the link
 *     names, for Recording.claimant: the word of whoever sent the link. Null if its card is pinned
 */

/**
 * Trust is what this browser knows of cards. A link never adds anything to it: the key that
 * it names is claimed, until the recorder's card is pinned here.
 */
export class Trust {
	/** @type {any} */
	#pins;

	/** @param {any} pins */
	constructor(pins) {
		this.#pins = pins;
	}

	/**
	 * load reads what this browser keeps for this origin.
	 * @param {import("./place.js").Place} place
	 * @param {any} [shelf]
	 */
	static async load(place, shelf) {
		shelf = keepsKeys(place) ? shelf ?? new Shelf() : new Drawer();
		const own = await Identity.load(shelf).catch(() => undefined);
		return new Trust(await Pins.load(shelf, own?.card));
	}

	/**
	 * trusted returns whom to trust about a recording.
	 * @param {Uint8Array} [claimed] the raw key that a link names
	 * @returns {Promise<Trusted>}
	 */
	async trusted(claimed) {
		const pins = this.#pins;
		/** @type {Trusted} */
		const t = { recorders: [], granters: [], revoked: [], self: pins.own ? [pins.own.key] : [], claimed: null };
		for (const card of pins.own ? [pins.own, ...pins.list()] : pins.list()) {
			const state = pins.state(card), signer = { key: card.key, who: card.name, revoked: state === "revoked" || state === "doubted" };
			if (signer.revoked) t.revoked.push(signer);
			else (card.role === "recorder" ? t.recorders : t.granters).push(signer);
		}
		if (!claimed) return t;
		const { vkey } = await Verifier.of(claimed);
		const known = [...t.recorders, ...t.revoked].some((s) => s.key === vkey) || pins.state({ key: vkey, expired: () => false }) === "revoked";
		if (!known) {
			t.recorders.push({ key: vkey, who: "", revoked: false });
			t.claimed = { name: vkey.split("+")[0], words: await fingerprint(claimed) };
		}
		return t;
	}
}
