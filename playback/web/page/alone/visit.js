/** What is watched in this page: a recording, and from there other parts of its meeting. */
import { byID } from "../view/dom.js";
import { showFault } from "../view/failure.js";
import { KeyQuestion } from "../view/key_question.js";
import { Parts } from "../view/parts.js";
import { Popover } from "../view/popover.js";
import { FolderStore } from "./folder.js";
import { KeepButton } from "./keep_button.js";
import { keepsCopies } from "./kept.js";
import { Keyring } from "./keyring.js";
import { Secrets } from "./keys_web.js";
import { format, invitationTo, take, withMoment, withoutSecrets } from "./link.js";
import { Opening } from "./opening.js";
import { asks } from "./pick.js";
import { placeOf } from "./place.js";
import { Recorders } from "./recorders.js";
import { FetchStore } from "./store.js";

/** @typedef {import("./link.js").Invitation} Invitation */

/** @typedef {import("./opening.js").Played} Played */

/**
 * @typedef {object} Place where recordings are
 * @property {import("./store.js").Store|null} store null for the one that the invitation names
 * @property {Invitation|null} invitation to the recording that is watched, if a link names it
 * @property {import("./recorders.js").Signer[]} [claimed] who recorded, as cards in a folder say
 */

/**
 * A Visit plays one recording after another, each with a program and elements of its own, so that
 * nothing of one is left for the next. The keys that were brought for the first are there for the
 * others: they are in this page's memory, where they were, and go with the page.
 */
export class Visit {
	#parts;
	#blank;
	#place;
	#keyring;
	/** @type {Opening|null} */
	#opening = null;
	/** Whether it is being opened. */
	#pending = false;
	/** @type {Played|null} what plays; the same one for all that is played */
	#played = null;

	/**
	 * @param {import("./parts.js").Parts} parts
	 * @param {import("./blank.js").Blank} blank
	 * @param {Place} place
	 */
	constructor(parts, blank, place) {
		this.#parts = parts;
		this.#blank = blank;
		this.#place = place;
		this.#keyring = new Keyring({
			place: placeOf(location, place.invitation?.store),
			ask: (keyring, recording, reason, over) => KeyQuestion.in(byID("keyquestion"))(keyring, recording, reason, over),
		});
	}

	/** recordings are those of the place. */
	async recordings() {
		this.#opening ??= await this.#begin();
		return this.#opening.recordings();
	}

	/**
	 * play shows a recording.
	 * @param {string} id
	 * @returns {Promise<Played|null>} what plays, which changes as another part does; null if nothing does
	 */
	async play(id) {
		this.#keyring.watch(id);
		this.#pending = true;
		const opening = this.#opening ??= await this.#begin(), { invitation, store } = this.#place;
		const played = await opening.play(id);
		this.#pending = false;
		if (!played) return this.#played;
		this.#played = Object.assign(this.#played ?? {}, played);
		const go = (/** @type {string} */ to) => {
			if (opening === this.#opening) this.#go(to).catch(showFault);
		};
		const others = new Parts(played.player, id, { link: invitation !== null, meeting: () => opening.meeting(id, invitation), go });
		byID("page").querySelector(".pagebuttons")?.prepend(others.node);
		if (invitation && !store && (asks() || await keepsCopies())) {
			const text = format(invitation);
			new KeepButton({ id, invitation: text, told: withoutSecrets(text) }, new Popover(), played.player.over);
		}
		return this.#played;
	}

	/**
	 * follow goes to what the address names now, if it is another part of the meeting by the link that
	 * the page was opened with. It reports whether it does.
	 */
	follow() {
		const { invitation } = this.#place, shown = bare(location.hash.slice(1));
		const to = invitation?.meeting.map((p) => p && invitationTo(invitation, p.recording)).find((i) => i && bare(format(i)) === shown);
		if (!to || this.#pending) return false;
		this.#leave(take()).catch(showFault);
		return true;
	}

	#begin() {
		const { store, invitation, claimed } = this.#place;
		const from = store ?? (invitation && new FetchStore(invitation, {
			decrypt: (/** @type {Uint8Array<ArrayBuffer>} */ file, /** @type {string} */ identity) => new Secrets([identity]).decrypt(file),
		}));
		if (!from) throw new Error("nothing says where the recording is");
		return Opening.begin(this.#parts, this.#keyring, from, invitation, claimed);
	}

	/**
	 * go goes to another part. Where a link names it, what is in the address then is an invitation to
	 * it, as good as this one. One that is only found in the folder has no address.
	 * @param {string} id
	 */
	async #go(id) {
		const { invitation, store, claimed = [] } = this.#place, to = invitation && invitationTo(invitation, id);
		if (to) {
			history.pushState(null, "", `${location.pathname}${location.search}#${format(to)}`);
			return this.#leave(take());
		}
		if (!(store instanceof FolderStore)) return null;
		if (invitation) {
			const signers = await (await Recorders.load(placeOf(location, invitation.store))).signers(invitation.recorder);
			this.#place = { ...this.#place, claimed: [...claimed, ...signers.filter(({ by }) => by === "link")] };
		}
		history.replaceState(null, "", `${location.pathname}${location.search}`);
		return this.#leave(null, id);
	}

	/**
	 * leave ends what plays, and plays something else.
	 * @param {Invitation|null} invitation
	 * @param {string} [id] in a folder, without
	 */
	async #leave(invitation, id = invitation?.recording ?? "") {
		const { store } = this.#place;
		this.#opening?.close();
		this.#opening = null;
		this.#place = { ...this.#place, invitation, store: store instanceof FolderStore ? store : null };
		this.#blank.restore();
		return this.play(id);
	}
}

/**
 * bare is an invitation without the moment, and without what the address does not show.
 * @param {string} invitation
 */
function bare(invitation) {
	return withMoment(withoutSecrets(invitation), 0);
}
