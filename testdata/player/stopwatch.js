// stopwatch plays as soon as the page lets it, and tells how long it takes until
// there is a picture and a sound. It is evaluated before the page's own scripts.
const stopwatch = window.stopwatch = { loaded: null, first: null };
addEventListener("load", () => stopwatch.loaded = performance.now());

/** pass waits until a picture of time t was shown, and sound of it plays. */
const pass = (t, begun) => new Promise((resolve) => {
	const player = window.sealtape.player, watched = new Set(), took = { picture: null, sound: null };
	const near = (x) => x > t - 0.11 && x < t + 10;
	const look = setInterval(() => {
		for (const [, e] of player.elements()) {
			if (e instanceof HTMLVideoElement) {
				if (watched.has(e)) continue;
				watched.add(e);
				const step = (now, meta) => {
					if (near(meta.mediaTime)) took.picture ??= performance.now() - begun;
					else if (took.picture === null) e.requestVideoFrameCallback(step);
				};
				e.requestVideoFrameCallback(step);
			} else if (took.sound === null && !player.waiting && !player.paused && !e.paused && !e.seeking && e.readyState > 2 &&
				e.currentTime > t && near(e.currentTime)) {
				took.sound = performance.now() - begun;
			}
		}
		if (took.picture !== null && took.sound !== null) {
			clearInterval(look);
			resolve(took);
		}
	}, 4);
});

stopwatch.seek = (t) => {
	const begun = performance.now();
	window.sealtape.player.seek(t);
	return pass(t, begun);
};

const wait = setInterval(() => {
	if (!window.sealtape?.player || stopwatch.loaded === null) return;
	clearInterval(wait);
	window.sealtape.player.play();
	pass(window.sealtape.player.time, stopwatch.loaded).then((took) => stopwatch.first = took);
}, 4);
