/** Opens a recording without a server: what the reader has, put around the program that decrypts. */
import { watch } from "../view/watch_page.js";
import { AheadStore } from "./ahead.js";
import { Heads } from "./heads.js";
import { placeOf } from "./place.js";
import { Recorders } from "./recorders.js";
import { saveFile } from "./save.js";
import { FetchStore } from "./store.js";
import { WorkerSource } from "./worker_source.js";

/** @typedef {import("./keyring.js").Keyring} Keyring */

/** @typedef {import("./link.js").Invitation} Invitation */

/** @typedef {{ player: import("../engine/player.js").Player, recording: import("../engine/recording.js").Recording }} Played */

/** An Opening plays a recording of a store, with what keys there are. */
export class Opening {
	#source;
	#keyring;
	#claimants;
	/** @type {Played|null} */
	#played = null;

	/**
	 * @param {WorkerSource} source
	 * @param {Keyring} keyring
	 * @param {import("./recorders.js").Signer[]} signers
	 */
	constructor(source, keyring, signers) {
		this.#source = source;
		this.#keyring = keyring;
		this.#claimants = Recorders.claimants(signers);
	}

	/**
	 * begin begins to open what is in a store.
	 * @param {import("./parts.js").Parts} parts
	 * @param {Keyring} keyring
	 * @param {import("./store.js").Store} store
	 * @param {Invitation|null} invitation that names the recording, if one does
	 * @param {import("./recorders.js").Signer[]} [claimed] who recorded, as somebody else says
	 */
	static async begin({ worker }, keyring, store, invitation, claimed = []) {
		const place = placeOf(location, invitation?.store);
		const from = invitation ? new AheadStore(store, invitation) : store;
		const [recorders] = await Promise.all([Recorders.load(place), keyring.begin()]);
		const signers = await recorders.signers(...invitation ? [invitation.recorder, ...invitation.meeting.flatMap((p) => p ? [p.recorder] : [])] : []);
		signers.push(...claimed.filter(({ key }) => !signers.some((s) => s.key === key)));
		const source = new WorkerSource({
			worker, around: { store: from, heads: new Heads(place), keyring: keyringOf(keyring) },
			settings: {
				// A claimed recorder has the name of their key: see Recording.claimant.
				recorders: signers.map(({ key, name, words, verified, expires, by }) => ({ key, who: verified ? name || words : "", expires, linked: by === "link" })), ...recorders.others(),
				others: Object.fromEntries(invitation?.meeting.flatMap((p) => p ? [[p.recording, { share: p.share, told: headOf(p) }]] : []) ?? []), share: invitation?.share, recording: invitation?.recording, at: invitation?.from, told: invitation ? headOf(invitation) : undefined,
				unlisted: store instanceof FetchStore && !invitation?.credentials,
			},
		});
		return new Opening(source, keyring, signers);
	}

	/** recordings are those of the store. Who is only claimed to have recorded is not among the signers. */
	async recordings() {
		const claimed = new Set(this.#claimants.map(({ name }) => name));
		return (await this.#source.recordings()).map((r) => ({ ...r, signers: (r.signers ?? []).filter((name) => !claimed.has(name)) }));
	}

	/**
	 * meeting has the parts of a recording's meeting.
	 * @param {string} id
	 * @param {Invitation|null} invitation whose word it is which these are, if it names some; without, they are
	 *     looked for
	 */
	meeting(id, invitation) {
		return this.#source.meeting(id, invitation?.meeting.map((p) => p?.recording ?? id) ?? []);
	}

	/**
	 * play shows a recording, whose files the page makes itself.
	 * @param {string} id
	 * @param {() => void} [again] tries again what could not be opened
	 */
	async play(id, again) {
		const played = await watch(this.#source, id, this.#claimants, () => this.#keyring.another(id, "locked"), again);
		if (played) played.player.saver = (excerpt, tell) => saveFile(this.#source, id, excerpt, tell);
		this.#played = played;
		return played;
	}

	/** close ends it, and what it plays. */
	close() {
		this.#played?.player.destroy();
		this.#source.close();
	}
}

/**
 * @param {Keyring} keyring
 * @returns {import("./host.js").Keyring}
 */
function keyringOf(keyring) {
	return {
		openEpoch: (id, epoch, files) => keyring.openEpoch(id, epoch, files),
		openShare: async (id, sealed) => {
			const grant = await keyring.openShare(id, sealed);
			return grant && new TextDecoder().decode(grant);
		},
	};
}

/**
 * headOf is the head that a link tells of. That the recording goes on is what was known at
 * least.
 * @param {Pick<Invitation, "recording"|"size"|"root">} of
 */
function headOf({ recording, size, root }) {
	return `sealtape.v1/${recording}\n${size}\n${btoa(String.fromCharCode(...root))}\nstate: open\n`;
}
