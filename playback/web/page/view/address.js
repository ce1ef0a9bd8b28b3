import { isInvitation, withMoment } from "../alone/link.js";

/** How often the moment is written into the address while it plays, in milliseconds. */
const every = 5000;

/** A moment as near as this is the one that it is at, in seconds. */
const nearby = 1;

/** A time in an address: 754, 754.5 or 1h2m34s. */
const time = "(?:(\\d+)h)?(?:(\\d+)m)?(\\d+(?:\\.\\d+)?)?s?";

const fragment = new RegExp(`(?:^|[#&])t=${time}(?:,${time})?(?:&|$)`);

/**
 * moment is the time that an address asks for, #t=754 or #t=12m34s, in seconds; null
 * for none.
 * @param {string} hash
 */
export function moment(hash) {
	const m = fragment.exec(hash);
	return m && seconds(m.slice(1, 4));
}

/**
 * rangeIn is the range that an address asks for, #t=754,790; null for none.
 * @param {string} hash
 * @returns {import("../engine/spans.js").Span|null}
 */
export function rangeIn(hash) {
	const m = fragment.exec(hash), from = m && (seconds(m.slice(1, 4)) ?? 0), to = m && seconds(m.slice(4, 7));
	return from !== null && to !== null && to > from ? [from, to] : null;
}

/** @param {string[]} parts hours, minutes and seconds, as far as they are there */
function seconds([h, m, s]) {
	return h || m || s ? Number(h ?? 0) * 3600 + Number(m ?? 0) * 60 + Number(s ?? 0) : null;
}

/**
 * addressAt is the hash of a moment: that of an invitation stays one.
 * @param {string} hash of the address now
 * @param {number} t whole seconds
 */
export function addressAt(hash, t) {
	if (isInvitation(hash)) return withMoment(hash, t);
	return t > 0 ? `#t=${t}` : "";
}

/**
 * followAddress keeps the moment in the address, so that a reload or a bookmark comes
 * back to it, and goes where the address is changed to.
 * @param {import("../engine/player.js").Player} player
 * @param {import("./range.js").Range} range it stays in the address while it is played
 */
export function followAddress(player, range) {
	const remember = () => {
		if (range.playing) return;
		const hash = addressAt(location.hash, Math.floor(player.time));
		if (location.hash !== hash) history.replaceState(history.state, "", location.pathname + location.search + hash);
	};
	player.on(["state"], () => {
		if (player.paused) remember();
	});
	const timer = setInterval(() => {
		if (!player.paused) remember();
	}, every);
	player.over.addEventListener("abort", () => clearInterval(timer));
	addEventListener("hashchange", () => {
		const t = moment(location.hash);
		range.span = rangeIn(location.hash);
		if (t !== null && Math.abs(t - player.time) >= nearby) player.seek(t);
	}, { signal: player.over });
}
