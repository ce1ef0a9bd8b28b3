import { Drawer, Pins, Shelf, Verifier, fingerprint } from "./keys_web.js";
import { keepsKeys } from "./place.js";

/**
 * @typedef {object} Signer who may have signed a recording
 * @property {string} key verifier key
 * @property {string} name on the card; "" if this browser has no card of it
 * @property {string} words the eight words of the key
 * @property {boolean} verified its card is pinned here. A key that only a link names is
 *     claimed: it is the word of whoever sent the link
 */

/**
 * Recorders are the keys by which recordings may be signed: those pinned in this browser,
 * and the one that a link names. A link never pins anything.
 */
export class Recorders {
	/** @type {any} */
	#pins;

	/** @param {any} pins */
	constructor(pins) {
		this.#pins = pins;
	}

	/**
	 * load reads the pins that this browser keeps for this origin.
	 * @param {import("./place.js").Place} place
	 * @param {any} [shelf]
	 */
	static async load(place, shelf) {
		return new Recorders(await Pins.load(keepsKeys(place) ? shelf ?? new Shelf() : new Drawer(), undefined));
	}

	/**
	 * signers returns all of them, the claimed one last.
	 * @param {Uint8Array} [claimed] the raw key that a link names
	 * @returns {Promise<Signer[]>}
	 */
	async signers(claimed) {
		/** @type {Signer[]} */
		const list = [];
		for (const card of this.#pins.list()) {
			if (card.role !== "recorder" || this.#pins.state(card) === "revoked" || this.#pins.state(card) === "doubted") continue;
			list.push({ key: card.key, name: card.name, words: card.fingerprint, verified: true });
		}
		const verifier = claimed && await Verifier.of(claimed);
		const revoked = verifier && this.#pins.state({ key: verifier.vkey, expired: () => false }) === "revoked";
		if (verifier && !revoked && !list.some((s) => s.key === verifier.vkey)) {
			list.push({ key: verifier.vkey, name: "", words: await fingerprint(claimed), verified: false });
		}
		return list;
	}
}
