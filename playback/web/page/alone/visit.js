/** What is watched in this page: a recording, and from there other parts of its meeting. */
import { byID, el } from "../view/dom.js";
import { showFault } from "../view/failure.js";
import { KeyQuestion } from "../view/key_question.js";
import { say } from "../view/language.js";
import { Parts } from "../view/parts.js";
import { Popover } from "../view/popover.js";
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
	#open;
	#keyring;
	/** @type {Opening|null} */
	#opening = null;
	/** Whether it is being opened, and whether the address has named another part since. */
	#pending = false;
	#moved = false;
	/** @type {Played|null} what plays; the same one for all that is played */
	#played = null;
	/** The recording that played last, "" before one did. */
	#last = "";

	/**
	 * @param {import("./parts.js").Parts} parts
	 * @param {Pick<import("./blank.js").Blank, "restore">} blank
	 * @param {Place} place
	 * @param {typeof Opening.begin} [open] for tests
	 */
	constructor(parts, blank, place, open = Opening.begin) {
		this.#parts = parts;
		this.#blank = blank;
		this.#place = place;
		this.#open = open;
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
	 * @returns {Promise<Played|null>} what plays, which changes as another part does, and is empty where
	 *     that does not play; null if nothing has played
	 */
	async play(id) {
		this.#keyring.watch(id);
		this.#pending = true;
		let opening = this.#opening, played = null;
		try {
			opening = this.#opening ??= await this.#begin();
			if (!this.#moved) played = await opening.play(id, () => void this.#leave(this.#place.invitation, id).catch(this.#fail));
		} catch (err) {
			if (!this.#moved) throw err; // nobody waits for it any more
		} finally {
			this.#pending = false;
		}
		if (this.#moved) {
			this.#moved = false;
			return this.#leave(take());
		}
		if (opening && played) await this.#show(id, opening, played);
		else this.#offerBack();
		return this.#played;
	}

	/**
	 * fail shows why a part could not be gone to.
	 * @param {unknown} err
	 */
	#fail = (err) => {
		showFault(err);
		this.#offerBack();
	};

	/** offerBack adds a way back to the part that played last to what is shown of a failure. */
	#offerBack() {
		const to = this.#last;
		if (!to || to === this.#place.invitation?.recording) return;
		const back = () => void this.#go(to).catch(this.#fail);
		byID("message").querySelector(".actions")?.prepend(el("button", { type: "button", class: "textbutton", onclick: back }, say("part.back")));
	}

	/**
	 * show puts what leads away from a recording beside it.
	 * @param {string} id
	 * @param {Opening} opening
	 * @param {Played} played
	 */
	async #show(id, opening, played) {
		const { invitation, store } = this.#place;
		this.#played = Object.assign(this.#played ?? {}, played);
		this.#last = id;
		const go = (/** @type {string} */ to) => {
			if (opening === this.#opening) this.#go(to).catch(this.#fail);
		};
		const others = new Parts(played.player, id, { link: invitation !== null, meeting: () => opening.meeting(id, invitation), go });
		byID("page").querySelector(".pagebuttons")?.prepend(others.node);
		if (!invitation || store || !asks() && !await keepsCopies() || played.player.over.aborted) return;
		const text = format(invitation);
		new KeepButton({ id, invitation: text, told: withoutSecrets(text) }, new Popover(), played.player.over);
	}

	/**
	 * follow goes to what the address names now, if it is another part of the meeting by the link that
	 * the page was opened with. It reports whether it does. What is just being opened is given up for
	 * it, with the question for a key to it.
	 */
	follow() {
		const { invitation, store } = this.#place, shown = bare(location.hash.slice(1));
		const others = invitation?.meeting.map((p) => p && invitationTo(invitation, p.recording)) ?? [];
		if (store || ![...others, this.#pending ? invitation : null].some((i) => i && bare(format(i)) === shown)) return false;
		if (this.#pending) {
			this.#moved = true;
			this.#opening?.close();
			this.#keyring.watch("");
		} else {
			this.#leave(take()).catch(this.#fail);
		}
		return true;
	}

	#begin() {
		const { store, invitation, claimed } = this.#place;
		const from = store ?? (invitation && new FetchStore(invitation, {
			decrypt: (/** @type {Uint8Array<ArrayBuffer>} */ file, /** @type {string} */ identity) => new Secrets([identity]).decrypt(file),
		}));
		if (!from) throw new Error("nothing says where the recording is");
		return this.#open(this.#parts, this.#keyring, from, invitation, claimed);
	}

	/**
	 * go goes to another part. Where a link brought one here, what is in the address then is an
	 * invitation to it, as good as this one. What plays from files of the reader's goes on from these
	 * alone, and has no address: a reload would ask the store.
	 * @param {string} id
	 */
	async #go(id) {
		const { invitation, store, claimed = [] } = this.#place, to = invitation && invitationTo(invitation, id);
		if (!store) {
			if (!to) return null;
			history.pushState(null, "", `${location.pathname}${location.search}#${format(to)}`);
			return this.#leave(take());
		}
		if (invitation && !to) {
			const signers = await (await Recorders.load(placeOf(location, invitation.store))).signers(invitation.recorder);
			this.#place = { ...this.#place, claimed: [...claimed, ...signers.filter(({ by }) => by === "link")] };
		}
		history.replaceState(null, "", `${location.pathname}${location.search}`);
		return this.#leave(to, id);
	}

	/**
	 * leave ends what plays, and plays something else of the same place.
	 * @param {Invitation|null} invitation
	 * @param {string} [id] in a folder, without
	 */
	async #leave(invitation, id = invitation?.recording ?? "") {
		this.#opening?.close();
		this.#opening = null;
		Object.assign(this.#played ?? {}, { player: null, recording: null });
		this.#place = { ...this.#place, invitation };
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
